/** lce_delegate's core in WebAssembly: its operators, on tensors in the module's memory. */

/** Something about a model or an operator that cannot be done, in one sentence. */
export class ModelError extends Error {}

/** A place in the module's memory, in bytes; 0 is none. */
export type Pointer = number;

/** Values of `lce_type` in lce_core.h. */
export const LceType = { FLOAT32: 0, INT8: 1, BOOL: 2, BITS: 3 } as const;

/** A window that moves over an image; sizes in pixels. */
export interface Window2d {
  filterHeight: number;
  filterWidth: number;
  strideHeight: number;
  strideWidth: number;
  dilationHeight: number;
  dilationWidth: number;
  /** Whether the image is continued so that it keeps its size (at stride 1). */
  padding: "same" | "valid";
}

/** A convolution of bits by bits; see `lce_bconv2d_attributes` in lce_core.h. */
export interface BConv2dAttributes extends Window2d {
  channelsIn: number;
  channelsOut: number;
  groups: number;
  padValue: 0 | 1;
  weights: Pointer;
  /** For an output of bits: int32, one a channel. */
  thresholds: Pointer;
  /** For an output of float32: float32, one a channel. */
  multiplier: Pointer;
  bias: Pointer;
  activation: number;
}

/** The module's exports. */
interface Exports {
  memory: WebAssembly.Memory;
  malloc(bytes: number): Pointer;
  free(pointer: Pointer): void;
  lce_find_kernel(name: Pointer): Pointer;
  lce_kernel_name(kernel: Pointer): Pointer;
  lce_bconv2d_create(attributes: Pointer, kernel: Pointer, why: Pointer): Pointer;
  lce_sign_conv2d_create(attributes: Pointer, kernel: Pointer, why: Pointer): Pointer;
  lce_max_pool2d_create(window: Pointer, why: Pointer): Pointer;
  lce_quantize_create(type: number, zeroPoint: number, kernel: Pointer, why: Pointer): Pointer;
  lce_operator_prepare(
    op: Pointer,
    shapes: Pointer,
    count: number,
    workers: number,
    output: Pointer,
    scratchBytes: Pointer,
    why: Pointer,
  ): number;
  lce_operator_run(
    op: Pointer,
    inputs: Pointer,
    output: Pointer,
    pitch: number,
    scratch: Pointer,
    executor: Pointer,
  ): void;
  lce_option_integer(bytes: Pointer, size: number, key: Pointer, value: Pointer): number;
  float_conv2d: FloatConvolution;
  float_depthwise_conv2d: FloatConvolution;
  float_add: FloatElementwise;
  float_subtract: FloatElementwise;
  float_multiply: FloatElementwise;
  float_relu(input: Pointer, output: Pointer, count: number): void;
}

/** The second input's values, so many as its period, are repeated over the first's. */
type FloatElementwise = (
  input: Pointer,
  second: Pointer,
  period: number,
  output: Pointer,
  count: number,
) => void;

type FloatConvolution = (
  attributes: Pointer,
  input: Pointer,
  weights: Pointer,
  bias: Pointer,
  output: Pointer,
) => void;

const SHAPE_WORDS = 9; // a rank and eight dimensions
const REASON_BYTES = 256;

/** A prepared operator: from tensors to a tensor. */
export interface Operator {
  outputShape: number[];
  run(inputs: Pointer[], output: Pointer): void;
}

/** One instance of the module, with a memory of its own. */
export class LceCore {
  private readonly exports: Exports;
  private readonly kernel: Pointer;
  private readonly why: Pointer;
  private scratch: Pointer = 0;
  private scratchBytes = 0;
  /** What counts the bits: `wasm_simd128` or `portable`. */
  readonly kernelName: string;

  private constructor(instance: WebAssembly.Instance) {
    this.exports = instance.exports as unknown as Exports;
    this.kernel = this.exports.lce_find_kernel(0);
    this.why = this.allocate(REASON_BYTES);
    this.kernelName = this.text(this.exports.lce_kernel_name(this.kernel));
  }

  /** Starts a module: wasm/lce_core_simd128.wasm, or wasm/lce_core_portable.wasm. */
  static async instantiate(module: BufferSource): Promise<LceCore> {
    const { instance } = await WebAssembly.instantiate(module, {});
    return new LceCore(instance);
  }

  /** Memory for so many bytes, aligned to 16; it is kept as long as the instance. */
  allocate(bytes: number): Pointer {
    const pointer = this.exports.malloc(Math.max(bytes, 16));
    if (pointer === 0) throw new ModelError(`no memory for ${bytes} bytes`);
    return pointer;
  }

  /** Views of the memory; they end when memory is allocated. */
  bytes(pointer: Pointer, count: number): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer, pointer, count);
  }
  int32(pointer: Pointer, count: number): Int32Array {
    return new Int32Array(this.exports.memory.buffer, pointer, count);
  }
  float32(pointer: Pointer, count: number): Float32Array {
    return new Float32Array(this.exports.memory.buffer, pointer, count);
  }

  /** Copies bytes into the memory. */
  put(content: Uint8Array): Pointer {
    const pointer = this.allocate(content.length);
    this.bytes(pointer, content.length).set(content);
    return pointer;
  }

  private putWords(words: number[]): Pointer {
    return this.put(new Uint8Array(Int32Array.from(words).buffer));
  }

  private text(pointer: Pointer): string {
    const bytes = new Uint8Array(this.exports.memory.buffer, pointer);
    return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
  }

  /** An integer of a custom operator's options, which are a FlexBuffers map. */
  option(options: Uint8Array, key: string): number {
    const bytes = this.put(options);
    const name = this.put(new TextEncoder().encode(`${key}\0`));
    const value = this.allocate(8);
    const status = this.exports.lce_option_integer(bytes, options.length, name, value);
    const found = new DataView(this.exports.memory.buffer, value, 8).getBigInt64(0, true);
    for (const pointer of [bytes, name, value]) this.exports.free(pointer);
    if (status !== 0) throw new ModelError(`an operator has no option "${key}"`);
    return Number(found);
  }

  /** Convolution of bits, [batch][height][width][words], by bits. */
  bconv2d(a: BConv2dAttributes, output: "bits" | "float32", input: number[]): Operator {
    const attributes = this.putWords([
      ...windowWords(a),
      a.channelsIn,
      a.channelsOut,
      a.groups,
      a.padValue,
      a.weights,
      output === "bits" ? LceType.BITS : LceType.FLOAT32,
      a.thresholds,
      a.multiplier,
      a.bias,
      a.activation,
      0,
      0,
    ]);
    return this.prepare(this.exports.lce_bconv2d_create(attributes, this.kernel, this.why), input);
  }

  /** Convolution of float32, [batch][height][width][1], by -1 and +1, to bits. */
  signConv2d(
    window: Window2d,
    channelsOut: number,
    weights: Pointer,
    bias: Pointer,
    input: number[],
  ): Operator {
    const words = [...windowWords(window), channelsOut, weights, bias, LceType.BITS];
    return this.prepare(
      this.exports.lce_sign_conv2d_create(this.putWords(words), this.kernel, this.why),
      input,
    );
  }

  /** The largest of a window, of bits. */
  maxPool2d(window: Window2d, input: number[]): Operator {
    const words = this.putWords(windowWords(window));
    return this.prepare(this.exports.lce_max_pool2d_create(words, this.why), input);
  }

  /** float32 to bits: 1 where it is below 0. */
  quantize(input: number[]): Operator {
    const op = this.exports.lce_quantize_create(LceType.FLOAT32, 0, this.kernel, this.why);
    return this.prepare(op, input);
  }

  /** Convolution of float32; weights [height][width][in][out], or [height][width][in]. */
  floatConv2d(words: number[], weights: Pointer, bias: Pointer, depthwise: boolean) {
    const attributes = this.putWords(words);
    const run = depthwise ? this.exports.float_depthwise_conv2d : this.exports.float_conv2d;
    return (input: Pointer, output: Pointer) => run(attributes, input, weights, bias, output);
  }

  /** Element by element, in float32; see `FloatElementwise`. */
  floatElementwise(name: "add" | "subtract" | "multiply"): FloatElementwise {
    return this.exports[`float_${name}`];
  }

  /** What is below 0 becomes 0. */
  floatRelu(input: Pointer, output: Pointer, count: number): void {
    this.exports.float_relu(input, output, count);
  }

  private prepare(op: Pointer, input: number[]): Operator {
    if (op === 0) throw new ModelError(this.text(this.why));
    const shape = this.putWords([
      input.length,
      ...input,
      ...Array<number>(SHAPE_WORDS - 1 - input.length).fill(0),
    ]);
    const output = this.allocate(4 * SHAPE_WORDS);
    const bytes = this.allocate(4);
    if (!this.exports.lce_operator_prepare(op, shape, 1, 1, output, bytes, this.why)) {
      throw new ModelError(this.text(this.why));
    }
    this.reserveScratch(this.int32(bytes, 1)[0]! >>> 0);
    const [rank, ...dimensions] = this.int32(output, SHAPE_WORDS);
    const inputs = this.allocate(4);
    return {
      outputShape: dimensions.slice(0, rank),
      run: ([from], to) => {
        this.int32(inputs, 1)[0] = from!;
        this.exports.lce_operator_run(op, inputs, to, 0, this.scratch, 0);
      },
    };
  }

  /** Operators run one after the other and share what they need beside their tensors. */
  private reserveScratch(bytes: number): void {
    if (bytes <= this.scratchBytes) return;
    if (this.scratch !== 0) this.exports.free(this.scratch);
    this.scratch = this.allocate(bytes);
    this.scratchBytes = bytes;
  }
}

function windowWords(w: Window2d): number[] {
  return [
    w.filterHeight,
    w.filterWidth,
    w.strideHeight,
    w.strideWidth,
    w.dilationHeight,
    w.dilationWidth,
    w.padding === "same" ? 0 : 1,
  ];
}
