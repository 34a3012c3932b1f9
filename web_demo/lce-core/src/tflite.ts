/**
 * Reads a .tflite file: tensors, operators and metadata of its first subgraph.
 *
 * The file is a flatbuffer (https://flatbuffers.dev/internals). Whatever its bytes hold, nothing
 * outside them is read: a DataView throws, which becomes a ModelError.
 */
import { ModelError } from "./core.js";

export type TensorType = "float32" | "float16" | "int32" | "uint8" | "int64" | "int8" | "other";

export interface FileTensor {
  name: string;
  type: TensorType;
  shape: number[];
  /** Its content, if it is a constant; a view of the file. */
  constant: Uint8Array | null;
}

export interface FileOperator {
  /** `CONV_2D` and the like, or the name of a custom operator. */
  kind: string;
  /** Indices of tensors; -1 for an optional one that is absent. */
  inputs: number[];
  outputs: number[];
  /** Options of TensorFlow Lite's own operators, by slot; null if it has none. */
  options: Table | null;
  customOptions: Uint8Array;
}

export interface ModelFile {
  tensors: FileTensor[];
  operators: FileOperator[];
  inputs: number[];
  outputs: number[];
  metadata: Map<string, Uint8Array>;
}

/** Codes of schema.fbs for the operators that this package runs. */
const BUILTIN_OPERATORS = new Map([
  [0, "ADD"],
  [2, "CONCATENATION"],
  [3, "CONV_2D"],
  [4, "DEPTHWISE_CONV_2D"],
  [6, "DEQUANTIZE"],
  [17, "MAX_POOL_2D"],
  [18, "MUL"],
  [19, "RELU"],
  [22, "RESHAPE"],
  [34, "PAD"],
  [41, "SUB"],
  [53, "CAST"],
  [65, "SLICE"],
  [74, "SUM"],
]);

const TENSOR_TYPES: readonly TensorType[] = [
  "float32",
  "float16",
  "int32",
  "uint8",
  "int64",
  "other",
  "other",
  "other",
  "other",
  "int8",
];

const MOST_ENTRIES = 100_000; // of all lists of a file
const MOST_ELEMENTS = 1 << 26; // of a tensor

/** Reads a model from memory; a ModelError says what is wrong with it. */
export function readModel(content: Uint8Array): ModelFile {
  if (new TextDecoder("latin1").decode(content.subarray(4, 8)) !== "TFL3") {
    throw new ModelError("this is no TensorFlow Lite model");
  }
  try {
    return new Reader(content).model();
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError("the model file is damaged");
  }
}

/** A table of a flatbuffer, whose fields are found by their slot. */
export class Table {
  constructor(
    private readonly reader: Reader,
    private readonly position: number,
  ) {}

  private field(slot: number): number {
    const view = this.reader.view;
    const vtable = this.position - view.getInt32(this.position, true);
    const entry = 4 + 2 * slot;
    if (entry + 2 > view.getUint16(vtable, true)) return 0;
    const offset = view.getUint16(vtable + entry, true);
    return offset === 0 ? 0 : this.position + offset;
  }

  byte(slot: number): number {
    const at = this.field(slot);
    return at === 0 ? 0 : this.reader.view.getInt8(at);
  }
  int32(slot: number, absent = 0): number {
    const at = this.field(slot);
    return at === 0 ? absent : this.reader.view.getInt32(at, true);
  }
  table(slot: number): Table | null {
    const at = this.field(slot);
    return at === 0 ? null : new Table(this.reader, this.reader.follow(at));
  }
  tables(slot: number): Table[] {
    return this.vector(slot, 4, (at) => new Table(this.reader, this.reader.follow(at)));
  }
  int32s(slot: number): number[] {
    return this.vector(slot, 4, (at) => this.reader.view.getInt32(at, true));
  }
  bytes(slot: number): Uint8Array {
    const at = this.field(slot);
    if (at === 0) return new Uint8Array(0);
    const start = this.reader.follow(at);
    return this.reader.slice(start + 4, this.reader.view.getUint32(start, true));
  }
  text(slot: number): string {
    return new TextDecoder().decode(this.bytes(slot));
  }

  private vector<T>(slot: number, size: number, read: (at: number) => T): T[] {
    const at = this.field(slot);
    if (at === 0) return [];
    const start = this.reader.follow(at);
    const length = this.reader.count(this.reader.view.getUint32(start, true));
    return Array.from({ length }, (_, index) => read(start + 4 + size * index));
  }
}

class Reader {
  readonly view: DataView;
  private entriesLeft = MOST_ENTRIES;

  constructor(private readonly content: Uint8Array) {
    this.view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  }

  follow(position: number): number {
    return position + this.view.getUint32(position, true);
  }
  slice(start: number, length: number): Uint8Array {
    if (start + length > this.content.length) throw new RangeError();
    return this.content.subarray(start, start + length);
  }
  count(entries: number): number {
    this.entriesLeft -= entries;
    if (this.entriesLeft < 0) throw new RangeError();
    return entries;
  }

  model(): ModelFile {
    const model = new Table(this, this.follow(0));
    const kinds = model.tables(1).map((code) => {
      const custom = code.text(1);
      const builtin = Math.max(code.byte(0), code.int32(3)); // old writers fill only the first
      return custom || (BUILTIN_OPERATORS.get(builtin) ?? `operator ${builtin}`);
    });
    const buffers = model.tables(4).map((buffer) => buffer.bytes(0));
    const subgraph = present(model.tables(2)[0]);
    const tensors = subgraph.tables(0).map((table): FileTensor => {
      const shape = table.int32s(0);
      const elements = shape.reduce((product, size) => product * size, 1);
      if (shape.some((size) => size < 1) || shape.length > 8 || elements > MOST_ELEMENTS) {
        throw new ModelError(`the model's tensor "${table.text(3)}" has no usable shape`);
      }
      const constant = present(buffers[table.int32(2)]);
      return {
        name: table.text(3),
        type: TENSOR_TYPES[table.byte(1)] ?? "other",
        shape,
        constant: constant.length > 0 ? constant : null,
      };
    });
    const indices = (list: number[], optional = false) => {
      for (const index of list) {
        if (!(index === -1 && optional)) present(tensors[index]);
      }
      return list;
    };
    const operators = subgraph.tables(3).map((table) => ({
      kind: present(kinds[table.int32(0)]),
      inputs: indices(table.int32s(1), true),
      outputs: indices(table.int32s(2)),
      options: table.table(4),
      customOptions: table.bytes(5),
    }));
    return {
      tensors,
      operators,
      inputs: indices(subgraph.int32s(1)),
      outputs: indices(subgraph.int32s(2)),
      metadata: new Map(
        model.tables(6).map((entry) => [entry.text(0), present(buffers[entry.int32(1)])]),
      ),
    };
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError();
  return value;
}
