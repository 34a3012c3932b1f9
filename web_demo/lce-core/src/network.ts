/** Runs a .tflite file whose operators are the Larq Compute Engine's and a few ordinary ones. */
import { type LceCore, ModelError, type Pointer } from "./core.js";
import { OPERATORS } from "./operators.js";
import { type FileOperator, type ModelFile, readModel, type TensorType } from "./tflite.js";

/** A tensor in the module's memory. */
export interface Tensor {
  /** `bits`: packed, 32 to a word; the last dimension counts words. */
  type: TensorType | "bits";
  shape: number[];
  pointer: Pointer;
  /** Whether it is known before the network runs. */
  constant: boolean;
}

/** What an operator's reader works with. */
export interface Context {
  core: LceCore;
  operator: FileOperator;
  /** Tensors that go in; null for an optional one that is absent. */
  inputs: (Tensor | null)[];
  output: Tensor;
  /** Whether what comes out is only ever packed into bits. */
  onlyPacked: boolean;
}

/** Reads an operator: gives its tensor memory and says what is to be done on each run. */
export type OperatorReader = (context: Context) => (() => void) | null;

/** A network, ready to run; one call at a time. */
export class Network {
  private readonly steps: (() => void)[] = [];
  private readonly tensors: Tensor[];
  readonly inputs: Tensor[];
  /** Their content is that of the last run. */
  readonly outputs: Tensor[];
  readonly file: ModelFile;

  /** Reads a .tflite file. A ModelError says in a sentence why it cannot be run. */
  constructor(
    readonly core: LceCore,
    content: Uint8Array,
  ) {
    this.file = readModel(content);
    this.tensors = this.file.tensors.map((tensor) => ({
      type: tensor.type,
      shape: tensor.shape,
      pointer: tensor.constant === null ? 0 : core.put(tensor.constant),
      constant: tensor.constant !== null,
    }));
    for (const [index, tensor] of this.file.tensors.entries()) {
      const size = { float32: 4, float16: 2, int32: 4, uint8: 1, int64: 8, int8: 1, other: 0 };
      if (tensor.constant && tensor.constant.length < elements(tensor.shape) * size[tensor.type]) {
        throw new ModelError(`the constant ${index} of the model is shorter than its shape`);
      }
    }
    this.inputs = this.file.inputs.map((index) => this.tensors[index]!);
    for (const input of this.inputs) reserve(core, input);
    for (const operator of this.file.operators) this.add(operator);
    this.outputs = this.file.outputs.map((index) => this.tensors[index]!);
    for (const output of this.outputs) {
      if (output.pointer === 0) throw new ModelError("no operator makes the model's output");
    }
  }

  private add(operator: FileOperator): void {
    const reader = OPERATORS.get(operator.kind);
    if (reader === undefined) {
      throw new ModelError(`the model has an operator that cannot be run here: ${operator.kind}`);
    }
    const inputs = operator.inputs.map((index) => (index < 0 ? null : this.tensors[index]!));
    const output = this.tensors[operator.outputs[0] ?? -1];
    if (output === undefined || inputs.some((input) => input?.pointer === 0)) {
      throw new ModelError(`${operator.kind}: its tensors are missing`);
    }
    if (output.pointer !== 0) throw new ModelError(`${operator.kind}: its output is made twice`);
    const readers = this.file.operators.filter((other) =>
      other.inputs.includes(operator.outputs[0]!),
    );
    const onlyPacked = readers.length > 0 && readers.every(({ kind }) => kind === "LceQuantize");
    const step = reader({ core: this.core, operator, inputs, output, onlyPacked });
    if (step !== null) this.steps.push(step);
  }

  /** Runs the network on what its inputs hold. */
  run(): void {
    for (const step of this.steps) step();
  }
}

export function elements(shape: number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Gives a tensor memory. */
export function reserve(core: LceCore, tensor: Tensor): void {
  const size = { float32: 4, int32: 4, bits: 4, uint8: 1, int8: 1 }[tensor.type as string];
  if (size === undefined) throw new ModelError(`tensors of ${tensor.type} cannot be run here`);
  tensor.pointer = core.allocate(elements(tensor.shape) * size);
}
