/** The operators of a .tflite file that a Network runs, by name. */
import { ModelError, type Window2d } from "./core.js";
import { type Context, elements, type OperatorReader, reserve, type Tensor } from "./network.js";
import type { Table } from "./tflite.js";

function refuse(context: Context, what: string): never {
  throw new ModelError(`${context.operator.kind}: ${what}`);
}

function input(context: Context, index: number): Tensor {
  return context.inputs[index] ?? refuse(context, "an input is missing");
}

function float32Input(context: Context, index: number): Tensor {
  const tensor = input(context, index);
  if (tensor.type !== "float32") refuse(context, `an input is ${tensor.type}, expected float32`);
  return tensor;
}

function constant(context: Context, index: number, type: Tensor["type"]): Tensor {
  const tensor = input(context, index);
  if (!tensor.constant || tensor.type !== type) refuse(context, `an input is no ${type} constant`);
  return tensor;
}

function constantOf(context: Context, index: number, type: "float32" | "int32", count: number) {
  const tensor = constant(context, index, type);
  if (elements(tensor.shape) !== count) refuse(context, `a constant has not ${count} values`);
  return tensor.pointer;
}

/** Whole numbers of an int32 constant. */
function integers(context: Context, index: number): number[] {
  const tensor = constant(context, index, "int32");
  return [...context.core.int32(tensor.pointer, elements(tensor.shape))];
}

/** Gives the output its memory once the file's shape is found to be the right one. */
function makeOutput(context: Context, shape: number[], type: Tensor["type"]): Tensor {
  const { output } = context;
  if (shape.join() !== output.shape.join()) {
    refuse(
      context,
      `its output is [${shape.join(", ")}], the file says [${output.shape.join(", ")}]`,
    );
  }
  output.type = type;
  reserve(context.core, output);
  return output;
}

function images(context: Context, tensor: Tensor): [number, number, number, number] {
  if (tensor.shape.length !== 4) refuse(context, "its input is no batch of images");
  return tensor.shape as [number, number, number, number];
}

function values(context: Context, tensor: Tensor): Float32Array {
  return context.core.float32(tensor.pointer, elements(tensor.shape));
}

function noActivation(context: Context, slot: number): void {
  if (context.operator.options?.byte(slot)) refuse(context, "it has an activation function");
}

// ---- The Larq Compute Engine's.

function option(context: Context, key: string): number {
  return context.core.option(context.operator.customOptions, key);
}

const bconv2d: OperatorReader = (context) => {
  const { core } = context;
  const from = input(context, 0);
  const filter = constant(context, 1, "int32");
  if (from.type !== "bits" && from.type !== "int32") refuse(context, "its input is not packed");
  const [channelsOut, filterHeight, filterWidth, words] = images(context, filter);
  const channelsIn = option(context, "channels_in");
  const groups = Math.ceil(channelsIn / 32) / words;
  const packed = context.output.type !== "float32";
  if (context.output.type === "int8") refuse(context, "its output is int8");
  const operator = core.bconv2d(
    {
      filterHeight,
      filterWidth,
      strideHeight: option(context, "stride_height"),
      strideWidth: option(context, "stride_width"),
      dilationHeight: option(context, "dilation_height_factor"),
      dilationWidth: option(context, "dilation_width_factor"),
      padding: option(context, "padding") === 0 ? "same" : "valid",
      channelsIn,
      channelsOut,
      groups: Number.isInteger(groups) ? groups : refuse(context, "its groups are uneven"),
      padValue: option(context, "pad_values") === 1 ? 1 : 0,
      weights: filter.pointer,
      thresholds: packed ? constantOf(context, 4, "int32", channelsOut) : 0,
      multiplier: packed ? 0 : constantOf(context, 2, "float32", channelsOut),
      bias: packed ? 0 : constantOf(context, 3, "float32", channelsOut),
      activation: option(context, "fused_activation_function"),
    },
    packed ? "bits" : "float32",
    from.shape,
  );
  const to = makeOutput(context, operator.outputShape, packed ? "bits" : "float32");
  return () => operator.run([from.pointer], to.pointer);
};

const quantize: OperatorReader = (context) => {
  const from = input(context, 0);
  if (from.type === "bits") {
    // The operator before packed its output already.
    if (from.shape.join() !== context.output.shape.join()) refuse(context, "its shape is another");
    context.output.type = "bits";
    context.output.pointer = from.pointer;
    return null;
  }
  const operator = context.core.quantize(float32Input(context, 0).shape);
  const to = makeOutput(context, operator.outputShape, "bits");
  return () => operator.run([from.pointer], to.pointer);
};

const bmaxpool2d: OperatorReader = (context) => {
  const from = input(context, 0);
  if (from.type !== "bits" && from.type !== "int32") refuse(context, "its input is not packed");
  const operator = context.core.maxPool2d(
    {
      filterHeight: option(context, "filter_height"),
      filterWidth: option(context, "filter_width"),
      strideHeight: option(context, "stride_height"),
      strideWidth: option(context, "stride_width"),
      dilationHeight: 1,
      dilationWidth: 1,
      padding: option(context, "padding") === 0 ? "same" : "valid",
    },
    from.shape,
  );
  const to = makeOutput(context, operator.outputShape, "bits");
  return () => operator.run([from.pointer], to.pointer);
};

// ---- Convolutions and pools of float32.

/** Size of the output along an axis, and how far the first window sticks out. */
function axis(padding: Window2d["padding"], size: number, filter: number, stride: number) {
  if (padding === "valid") return { size: Math.ceil((size - filter + 1) / stride), before: 0 };
  const output = Math.ceil(size / stride);
  return { size: output, before: Math.max((output - 1) * stride + filter - size, 0) >> 1 };
}

function window(
  context: Context,
  options: Table | null,
  slots: number[],
  filter: number[],
): Window2d {
  const [strideWidth, strideHeight, dilationWidth, dilationHeight] = slots as [
    number,
    number,
    number,
    number,
  ];
  if (options === null) refuse(context, "its options are missing");
  const result: Window2d = {
    filterHeight: filter[0]!,
    filterWidth: filter[1]!,
    strideHeight: options.int32(strideHeight),
    strideWidth: options.int32(strideWidth),
    dilationHeight: dilationHeight < 0 ? 1 : options.int32(dilationHeight, 1),
    dilationWidth: dilationWidth < 0 ? 1 : options.int32(dilationWidth, 1),
    padding: options.byte(0) === 0 ? "same" : "valid",
  };
  const numbers = Object.values(result).filter((value) => typeof value === "number");
  if (numbers.some((value) => value < 1)) refuse(context, "its window has no size");
  return result;
}

function floatConvolution(context: Context, depthwise: boolean): () => void {
  const { core, operator } = context;
  const from = float32Input(context, 0);
  const filter = constant(context, 1, "float32");
  const [batch, height, width, channels] = images(context, from);
  const [outputs, filterHeight, filterWidth, channelsIn] = images(context, filter);
  const channelsOut = depthwise ? channelsIn : outputs;
  if (channelsIn !== channels || (depthwise && outputs !== 1)) {
    refuse(context, "its filter does not fit its input");
  }
  noActivation(context, depthwise ? 4 : 3);
  const slots = depthwise ? [1, 2, 5, 6] : [1, 2, 4, 5];
  const w = window(context, operator.options, slots, [filterHeight, filterWidth]);
  if (w.dilationHeight !== 1 || w.dilationWidth !== 1) refuse(context, "it has dilations");
  const bias = constantOf(context, 2, "float32", channelsOut);
  const y = axis(w.padding, height, filterHeight, w.strideHeight);
  const x = axis(w.padding, width, filterWidth, w.strideWidth);
  const weights = depthwise ? filter.pointer : outputsLast(context, filter);
  const run = core.floatConv2d(
    [
      height,
      width,
      channels,
      y.size,
      x.size,
      channelsOut,
      filterHeight,
      filterWidth,
      w.strideHeight,
      w.strideWidth,
      y.before,
      x.before,
    ],
    weights,
    bias,
    depthwise,
  );
  const to = makeOutput(context, [batch, y.size, x.size, channelsOut], "float32");
  const [fromImage, toImage] = [from, to].map(({ shape }) => (4 * elements(shape)) / batch);
  return () => {
    for (let b = 0; b < batch; ++b) run(from.pointer + b * fromImage!, to.pointer + b * toImage!);
  };
}

/** Weights [out][height][width][in] as [height][width][in][out]. */
function outputsLast(context: Context, filter: Tensor): number {
  const [outputs] = filter.shape as [number];
  const count = elements(filter.shape);
  const turned = context.core.allocate(4 * count);
  const [from, to] = [filter.pointer, turned].map((pointer) =>
    context.core.float32(pointer, count),
  );
  const taps = count / outputs;
  for (let o = 0; o < outputs; ++o) {
    for (let t = 0; t < taps; ++t) to![t * outputs + o] = from![o * taps + t]!;
  }
  return turned;
}

const conv2d: OperatorReader = (context) => {
  const from = float32Input(context, 0);
  const filter = constant(context, 1, "float32");
  const [channelsOut, filterHeight, filterWidth, channelsIn] = images(context, filter);
  const isSigns = values(context, filter).every((value) => value === 1 || value === -1);
  if (!context.onlyPacked || channelsIn !== 1 || !isSigns) return floatConvolution(context, false);
  noActivation(context, 3);
  const filterSize = [filterHeight, filterWidth];
  const operator = context.core.signConv2d(
    window(context, context.operator.options, [1, 2, 4, 5], filterSize),
    channelsOut,
    filter.pointer,
    context.inputs[2] ? constantOf(context, 2, "float32", channelsOut) : 0,
    from.shape,
  );
  // Its output is packed at once; what the file calls packing is then already done.
  context.output.shape = operator.outputShape;
  const to = makeOutput(context, operator.outputShape, "bits");
  return () => operator.run([from.pointer], to.pointer);
};

const maxPool2d: OperatorReader = (context) => {
  const from = float32Input(context, 0);
  const [batch, height, width, channels] = images(context, from);
  const { options } = context.operator;
  const filter = [options?.int32(4) ?? 0, options?.int32(3) ?? 0];
  const w = window(context, options, [1, 2, -1, -1], filter);
  noActivation(context, 5);
  const y = axis(w.padding, height, w.filterHeight, w.strideHeight);
  const x = axis(w.padding, width, w.filterWidth, w.strideWidth);
  const to = makeOutput(context, [batch, y.size, x.size, channels], "float32");
  return () => {
    const [source, target] = [values(context, from), values(context, to)];
    target.fill(-Infinity);
    let at = 0;
    for (let b = 0; b < batch; ++b) {
      for (let row = 0; row < y.size; ++row) {
        for (let column = 0; column < x.size; ++column, at += channels) {
          const top = row * w.strideHeight - y.before;
          const left = column * w.strideWidth - x.before;
          for (let i = Math.max(top, 0); i < Math.min(top + w.filterHeight, height); ++i) {
            for (let j = Math.max(left, 0); j < Math.min(left + w.filterWidth, width); ++j) {
              const pixel = ((b * height + i) * width + j) * channels;
              for (let k = 0; k < channels; ++k) {
                const value = source[pixel + k]!;
                if (value > target[at + k]!) target[at + k] = value;
              }
            }
          }
        }
      }
    }
  };
};

// ---- Ordinary operators on float32.

const cast: OperatorReader = (context) => {
  const from = input(context, 0);
  if (from.type !== "uint8") refuse(context, `its input is ${from.type}, expected uint8`);
  const to = makeOutput(context, from.shape, "float32");
  return () => {
    values(context, to).set(context.core.bytes(from.pointer, elements(from.shape)));
  };
};

/** Two tensors, value by value; the second may be repeated along the first dimensions. */
function elementwise(name: "add" | "subtract" | "multiply"): OperatorReader {
  return (context) => {
    const [a, b] = [float32Input(context, 0), float32Input(context, 1)];
    noActivation(context, 0);
    const repeated = b.shape.slice(b.shape.findIndex((size) => size !== 1) >>> 0);
    const tail = a.shape.slice(a.shape.length - repeated.length);
    if (repeated.join() !== tail.join()) refuse(context, "its inputs do not fit");
    const to = makeOutput(context, a.shape, "float32");
    const run = context.core.floatElementwise(name);
    const [count, period] = [elements(a.shape), elements(b.shape)];
    return () => run(a.pointer, b.pointer, period, to.pointer, count);
  };
}

const relu: OperatorReader = (context) => {
  const from = float32Input(context, 0);
  const to = makeOutput(context, from.shape, "float32");
  const count = elements(from.shape);
  return () => context.core.floatRelu(from.pointer, to.pointer, count);
};

/** float16 constants, which are made float32 once. */
const dequantize: OperatorReader = (context) => {
  const from = constant(context, 0, "float16");
  const to = makeOutput(context, from.shape, "float32");
  const count = elements(from.shape);
  const halves = context.core.bytes(from.pointer, 2 * count);
  const target = values(context, to);
  for (let i = 0; i < count; ++i) target[i] = fromHalf(halves[2 * i]! | (halves[2 * i + 1]! << 8));
  to.constant = true;
  return null;
};

/** The value of a float16's bits. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const reshape: OperatorReader = (context) => {
  const from = input(context, 0);
  const { output } = context;
  if (elements(output.shape) !== elements(from.shape)) refuse(context, "its sizes do not fit");
  output.type = from.type;
  output.pointer = from.pointer;
  return null;
};

/** Tensors of words of 32 bits, one behind the other along an axis. */
const concatenation: OperatorReader = (context) => {
  const first = input(context, 0);
  const parts = context.inputs.map((_, index) => input(context, index));
  const rank = first.shape.length;
  const along = context.operator.options?.int32(0) ?? refuse(context, "it names no axis");
  const at = along < 0 ? along + rank : along;
  noActivation(context, 1);
  const shape = first.shape.slice();
  if (at < 0 || at >= rank) refuse(context, "its axis is not there");
  shape[at] = parts.reduce((sum, part) => sum + (part.shape[at] ?? NaN), 0);
  const others = (tensor: Tensor) => tensor.shape.toSpliced(at, 1).join();
  if (parts.some((part) => part.type !== first.type || others(part) !== others(first))) {
    refuse(context, "its inputs do not fit");
  }
  if (first.type !== "float32" && first.type !== "bits") refuse(context, "not of words");
  const to = makeOutput(context, shape, first.type);
  const rows = elements(shape.slice(0, at));
  return () => {
    const target = context.core.int32(to.pointer, elements(shape));
    const pitch = target.length / rows;
    let begin = 0;
    for (const part of parts) {
      const source = context.core.int32(part.pointer, elements(part.shape));
      const run = source.length / rows;
      for (let row = 0; row < rows; ++row) {
        target.set(source.subarray(row * run, (row + 1) * run), row * pitch + begin);
      }
      begin += run;
    }
  };
};

/** Moves a block between tensors; `begin`: its corner in the larger one. */
function block(
  context: Context,
  from: Tensor,
  to: Tensor,
  begin: number[],
  shape: number[],
  cuts: boolean,
) {
  const large = cuts ? from : to;
  const rank = shape.length;
  const strides = large.shape.map((_, axis) => elements(large.shape.slice(axis + 1)));
  const width = shape[rank - 1]!;
  const rows: number[] = []; // where each row begins in the larger tensor
  const walk = (axis: number, offset: number) => {
    if (axis === rank - 1) {
      rows.push(offset + begin[axis]!);
      return;
    }
    for (let i = 0; i < shape[axis]!; ++i)
      walk(axis + 1, offset + (begin[axis]! + i) * strides[axis]!);
  };
  walk(0, 0);
  return () => {
    const [source, target] = [values(context, from), values(context, to)];
    for (const [index, offset] of rows.entries()) {
      const [a, b] = cuts ? [offset, index * width] : [index * width, offset];
      target.set(source.subarray(a, a + width), b);
    }
  };
}

const slice: OperatorReader = (context) => {
  const from = float32Input(context, 0);
  const [begin, size] = [integers(context, 1), integers(context, 2)];
  const shape = size.map((length, axis) =>
    length === -1 ? from.shape[axis]! - begin[axis]! : length,
  );
  const inside = (axis: number) =>
    begin[axis]! >= 0 && begin[axis]! + shape[axis]! <= from.shape[axis]!;
  if (begin.length !== from.shape.length || !shape.every((_, axis) => inside(axis))) {
    refuse(context, "it cuts beyond its input");
  }
  return block(context, from, makeOutput(context, shape, "float32"), begin, shape, true);
};

const pad: OperatorReader = (context) => {
  const from = float32Input(context, 0);
  const margins = integers(context, 1);
  const rank = from.shape.length;
  if (margins.length !== 2 * rank || margins.some((margin) => margin < 0)) {
    refuse(context, "its margins do not fit");
  }
  const shape = from.shape.map((size, axis) => size + margins[2 * axis]! + margins[2 * axis + 1]!);
  const to = makeOutput(context, shape, "float32");
  values(context, to).fill(0); // once: nothing else writes the margins
  const begin = from.shape.map((_, axis) => margins[2 * axis]!);
  return block(context, from, to, begin, from.shape, false);
};

/** The sum over the first dimension, in order, in float32. */
const sum: OperatorReader = (context) => {
  const from = float32Input(context, 0);
  const axes = integers(context, 1);
  if (axes.length !== 1 || axes[0] !== 0)
    refuse(context, "only sums over the first axis are known");
  const rest = from.shape.slice(1);
  const keeps = context.operator.options?.byte(0) ? [1, ...rest] : rest;
  const to = makeOutput(context, keeps, "float32");
  return () => {
    const [source, target] = [values(context, from), values(context, to)];
    target.fill(0);
    for (let i = 0; i < source.length; ++i) target[i % target.length]! += source[i]!;
  };
};

export const OPERATORS: ReadonlyMap<string, OperatorReader> = new Map([
  ["LceBconv2d", bconv2d],
  ["LceQuantize", quantize],
  ["LceBMaxPool2d", bmaxpool2d],
  ["CONV_2D", conv2d],
  ["DEPTHWISE_CONV_2D", (context) => floatConvolution(context, true)],
  ["MAX_POOL_2D", maxPool2d],
  ["CAST", cast],
  ["ADD", elementwise("add")],
  ["SUB", elementwise("subtract")],
  ["MUL", elementwise("multiply")],
  ["RELU", relu],
  ["DEQUANTIZE", dequantize],
  ["RESHAPE", reshape],
  ["CONCATENATION", concatenation],
  ["SLICE", slice],
  ["PAD", pad],
  ["SUM", sum],
]);
