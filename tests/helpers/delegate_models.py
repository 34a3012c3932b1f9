"""Generated models of single LCE operators, and the runtimes that they are compared on.

The reference is LCE's own interpreter, which the wheel ``larq-compute-engine`` brings.
"""

from __future__ import annotations

import dataclasses
import importlib
import itertools
from collections.abc import Iterator

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

SAME, VALID = 0, 1
NONE, RELU, RELU_N1_TO_1, RELU6 = 0, 1, 2, 3
FLOAT32, INT8, PACKED = "float32", "int8", "packed"

TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.uint8): schema.TensorType.UINT8,
    np.dtype(np.bool_): schema.TensorType.BOOL,
}

TFLITE_TYPES = {
    np.dtype(np.float32): 1,
    np.dtype(np.int32): 2,
    np.dtype(np.uint8): 3,
    np.dtype(np.bool_): 6,
    np.dtype(np.int8): 9,
}
"""``TfLiteType`` of TensorFlow Lite's C interface, which numbers otherwise than the schema."""

ABSENT, CONSTANT, COMPUTED = 0, 1, 2
"""How ``replay.c`` tells tensors apart."""


def words(channels: int) -> int:
    """Words of 32 bits that pack ``channels`` bits."""
    return -(-channels // 32)


class Graph:
    """A model in the making: tensors, constants and operators in order."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = b"generated"
        self.model.operatorCodes = []
        self.model.buffers = [schema.BufferT()]
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.graph.inputs, self.graph.outputs = [], []
        self.model.subgraphs = [self.graph]

    def tensor(self, shape, dtype, *, scale=None, zero_point=0, signature=None) -> int:
        tensor = schema.TensorT()
        tensor.name = f"t{len(self.graph.tensors)}".encode()
        tensor.shape = list(shape)
        tensor.shapeSignature = signature
        tensor.type = TYPES[np.dtype(dtype)]
        tensor.buffer = 0
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = [scale]
            tensor.quantization.zeroPoint = [zero_point]
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def constant(self, values: np.ndarray) -> int:
        index = self.tensor(values.shape, values.dtype)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        self.graph.tensors[index].buffer = len(self.model.buffers) - 1
        return index

    def _operator(self, code, inputs, outputs) -> schema.OperatorT:
        self.model.operatorCodes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes) - 1
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        self.graph.operators.append(operator)
        return operator

    def custom(self, name: str, inputs, outputs, options: dict[str, int] | bytes) -> None:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode = name.encode()
        code.version = 1
        operator = self._operator(code, inputs, outputs)
        if isinstance(options, dict):
            options = bytes(flexbuffers.Dumps(options)) if options else b""
        operator.customOptions = np.frombuffer(options, np.uint8) if options else None

    def builtin(self, number: int, inputs, outputs, options_type=0, options=None) -> None:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = number
        code.version = 1
        operator = self._operator(code, inputs, outputs)
        operator.builtinOptionsType, operator.builtinOptions = options_type, options

    def concatenate(self, inputs, output: int, axis: int) -> None:
        options = schema.ConcatenationOptionsT()
        options.axis = axis
        number, kind = schema.BuiltinOperator.CONCATENATION, schema.BuiltinOptions
        self.builtin(number, inputs, [output], kind.ConcatenationOptions, options)

    def convolve_reals(self, x: int, weights, bias, output: int, *, stride=1, padding=SAME) -> None:
        """CONV_2D by float32 weights ``[channels_out, height, width, channels_in]``."""
        options = schema.Conv2DOptionsT()
        options.padding, options.strideH, options.strideW = padding, stride, stride
        options.dilationHFactor = options.dilationWFactor = 1
        number, kind = schema.BuiltinOperator.CONV_2D, schema.BuiltinOptions
        inputs = [x, self.constant(weights), self.constant(bias)]
        self.builtin(number, inputs, [output], kind.Conv2DOptions, options)

    def reshape(self, x: int, output: int, shape) -> None:
        options = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        number, kind = schema.BuiltinOperator.RESHAPE, schema.BuiltinOptions
        new_shape = self.constant(np.array(shape, np.int32))
        self.builtin(number, [x, new_shape], [output], kind.ReshapeOptions, options)

    def bytes(self, inputs, outputs) -> bytes:
        self.graph.inputs, self.graph.outputs = list(inputs), list(outputs)
        builder = flatbuffers.Builder(4096)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


@dataclasses.dataclass(frozen=True)
class Convolution:
    """The parameters of one LceBconv2d; fields are named as its options."""

    channels_in: int = 64
    channels_out: int = 32
    input: tuple[int, int, int] = (1, 6, 7)  # batch, height, width
    filter: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    padding: int = SAME
    pad_values: int = 1
    activation: int = NONE
    output: str = FLOAT32
    seed: int = 0

    @property
    def lce_kernel(self) -> str:
        """Which of LCE's kernels defines the result: its default one accepts neither groups nor
        zero padding of anything but plain float32 output."""
        zero_padded = self.padding == SAME and self.pad_values == 0
        plain = self.output == FLOAT32 and self.activation == NONE
        return "reference" if self.groups > 1 or (zero_padded and not plain) else "default"

    @property
    def lce_omits_correction(self) -> bool:
        """LCE's default kernel corrects zero padding only where a window sticks out at one side of
        the image (zero_padding_correction.h, "this cannot happen"); a filter that spans as much as
        the image is wrong there, by as much as the padded weights."""
        if self.padding == VALID or self.pad_values == 1 or self.lce_kernel != "default":
            return False
        spans = [(f - 1) * d + 1 for f, d in zip(self.filter, self.dilation, strict=True)]
        return any(span >= size for span, size in zip(spans, self.input[1:], strict=True))

    def model(self, options: dict[str, int] | bytes | None = None) -> bytes:
        """The model, with other options of the operator if they are given."""
        random = np.random.default_rng(self.seed)
        graph = Graph()
        batch, height, width = self.input
        group_channels = self.channels_in // self.groups
        x = graph.tensor((batch, height, width, words(self.channels_in)), np.int32)
        filter_shape = (self.channels_out, *self.filter, group_channels)
        weights = graph.constant(pack_bits(random.integers(0, 2, filter_shape)))
        products = int(np.prod(self.filter)) * group_channels
        spread = products**0.5
        y_shape = (1, 1, 1, self.channels_out)  # the runtime works out the rest
        if self.output == PACKED:
            low, high = int(products / 2 - spread), int(products / 2 + spread) + 1
            thresholds = random.integers(low, high, self.channels_out).astype(np.int32)
            y = graph.tensor((1, 1, 1, words(self.channels_out)), np.int32)
            multiplier = bias = -1
            if self.padding == SAME and self.pad_values == 0:
                # LCE works out a correction from the multiplier though it never uses it, and
                # crashes where there is none.
                multiplier = graph.constant(np.ones(self.channels_out, np.float32))
                bias = graph.constant(np.zeros(self.channels_out, np.float32))
            inputs = [x, weights, multiplier, bias, graph.constant(thresholds)]
        else:
            multiplier = random.normal(0, 1, self.channels_out).astype(np.float32)
            bias = random.normal(0, spread, self.channels_out).astype(np.float32)
            quantization = {}
            if self.output == INT8:
                quantization = {"scale": float(spread / 40), "zero_point": 3}
            dtype = np.int8 if self.output == INT8 else np.float32
            y = graph.tensor(y_shape, dtype, **quantization)
            inputs = [x, weights, graph.constant(multiplier), graph.constant(bias), -1]
        graph.custom("LceBconv2d", inputs, [y], self.options() if options is None else options)
        return graph.bytes([x], [y])

    def options(self) -> dict[str, int]:
        return {
            "channels_in": self.channels_in,
            "dilation_height_factor": self.dilation[0],
            "dilation_width_factor": self.dilation[1],
            "fused_activation_function": self.activation,
            "pad_values": self.pad_values,
            "padding": self.padding,
            "stride_height": self.stride[0],
            "stride_width": self.stride[1],
        }

    def activations(self) -> np.ndarray:
        """int32 ``[N, H, W, words]``; bits past the last channel are 0, as LceQuantize leaves
        them."""
        bits = np.random.default_rng(self.seed + 1).integers(0, 2, (*self.input, self.channels_in))
        return pack_bits(bits)


@dataclasses.dataclass(frozen=True)
class Constants:
    """What a ``Convolution``'s model holds, for float32 output."""

    weights: np.ndarray  # 0 and 1, [channels_out, height, width, channels of a group]
    multiplier: np.ndarray
    bias: np.ndarray


def unpack_constants(model: bytes) -> Constants:
    """Read the constants of a ``Convolution``'s model back."""
    parsed = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    graph = parsed.subgraphs[0]
    options = flexbuffers.Loads(bytes(graph.operators[0].customOptions))

    def values(i: int, dtype) -> np.ndarray:
        tensor = graph.tensors[graph.operators[0].inputs[i]]
        return np.frombuffer(bytes(parsed.buffers[tensor.buffer].data), dtype).reshape(tensor.shape)

    weights = values(1, np.int32)
    channels = options["channels_in"] * weights.shape[-1] // words(options["channels_in"])
    return Constants(unpack_bits(weights, channels), values(2, np.float32), values(3, np.float32))


def unpack_bits(packed: np.ndarray, channels: int) -> np.ndarray:
    """The inverse of ``pack_bits``."""
    bits = np.unpackbits(packed.view(np.uint8), axis=-1, bitorder="little")
    return bits[..., :channels]


def pack_bits(bits: np.ndarray) -> np.ndarray:
    """Pack 0 and 1 along the last axis, 32 to an int32, least significant bit first."""
    rest = -bits.shape[-1] % 32
    padded = np.pad(bits.astype(np.uint8), [(0, 0)] * (bits.ndim - 1) + [(0, rest)])
    return np.packbits(padded, axis=-1, bitorder="little").view(np.int32)


def convolutions(random: np.random.Generator, count: int) -> Iterator[Convolution]:
    """Draw convolutions that LCE can run, over the whole range of parameters."""
    while count > 0:
        groups = int(random.choice([1, 1, 1, 1, 2, 3]))
        if groups == 1:
            channels_in = int(random.choice([1, 3, 31, 32, 33, 64, 70, 96, 128, 200, 256, 384]))
        else:
            channels_in = groups * int(random.choice([32, 64, 96]))
        filters = tuple(int(n) for n in random.choice([1, 2, 3, 5], 2, p=[0.2, 0.2, 0.5, 0.1]))
        case = Convolution(
            channels_in=channels_in,
            channels_out=groups * int(random.choice([1, 5, 7, 16, 31, 32, 33, 48, 64, 65, 100])),
            input=(int(random.integers(1, 4)), *(int(n) for n in random.integers(1, 12, 2))),
            filter=filters,
            stride=tuple(int(n) for n in random.integers(1, 4, 2)),
            dilation=tuple(int(n) for n in random.choice([1, 1, 1, 2, 3], 2)),
            groups=groups,
            padding=int(random.integers(0, 2)),
            pad_values=int(random.integers(0, 2)),
            activation=int(random.integers(0, 4)),
            output=str(random.choice([FLOAT32, INT8, PACKED])),
            seed=int(random.integers(0, 2**31)),
        )
        spans = [(f - 1) * d + 1 for f, d in zip(case.filter, case.dilation, strict=True)]
        if case.padding == VALID and any(
            span > size for span, size in zip(spans, case.input[1:], strict=True)
        ):
            continue
        if case.lce_kernel == "reference" and case.padding == SAME and case.pad_values == 0:
            if case.channels_in % 2:
                continue
        count -= 1
        yield case


def lce(model: bytes, *inputs: np.ndarray, kernel: str = "default") -> list[np.ndarray]:
    """Run a model on LCE's interpreter, with one of its kernels: default, reference, indirect."""
    # LCE's wheel imports TensorFlow, which must meet this package's choice of Keras first.
    importlib.import_module("fer_larq.utils.backend")
    from larq_compute_engine.tflite.python.interpreter import Interpreter

    interpreter = Interpreter(
        model,
        use_reference_bconv=kernel == "reference",
        use_indirect_bgemm=kernel == "indirect",
    )
    return [np.array(output) for output in interpreter.interpreter.predict(list(inputs))]


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Are shape, type and every bit equal? (NaN equals itself, 0 differs from -0.)"""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def recorded(model: bytes, values: np.ndarray, expected: np.ndarray) -> bytes:
    """A model of one operator with its input and output, as ``lce_delegate/tests/replay.c`` reads
    it."""
    parsed = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    (graph,) = parsed.subgraphs
    (operator,) = graph.operators

    def sized(content: bytes) -> bytes:
        return len(content).to_bytes(4, "little") + content

    def tensor(index: int, content: np.ndarray | None) -> bytes:
        if index < 0:
            return np.int32(ABSENT).tobytes()
        described = graph.tensors[index]
        dtype = {code: dtype for dtype, code in TYPES.items()}[described.type]
        constant = parsed.buffers[described.buffer].data
        kind = COMPUTED if constant is None else CONSTANT
        shape = described.shape if content is None else content.shape
        content = constant if content is None else content
        quantization = described.quantization
        quantized = quantization is not None and quantization.scale is not None
        scale = quantization.scale[0] if quantized else 0.0
        zero_point = quantization.zeroPoint[0] if quantized else 0
        integers = np.int32([kind, TFLITE_TYPES[dtype], len(shape), *shape])
        return (
            integers.tobytes()
            + np.float32(scale).tobytes()
            + np.int32(zero_point).tobytes()
            + sized(np.ascontiguousarray(content).tobytes())
        )

    custom = operator.customOptions
    inputs = [tensor(index, values if index in graph.inputs else None) for index in operator.inputs]
    return b"".join(
        [
            sized(parsed.operatorCodes[operator.opcodeIndex].customCode),
            sized(b"" if custom is None else bytes(custom)),
            np.int32(len(inputs)).tobytes(),
            *inputs,
            tensor(operator.outputs[0], expected),
        ]
    )


def pools() -> Iterator[dict]:
    """Parameters of LceBMaxPool2d."""
    for filters, strides, padding in itertools.product(
        [(1, 1), (2, 2), (3, 2), (5, 5)], [(1, 1), (2, 2), (3, 1)], [SAME, VALID]
    ):
        yield {"filter": filters, "stride": strides, "padding": padding}


def pool_model(shape, filter, stride, padding) -> bytes:
    graph = Graph()
    x = graph.tensor(shape, np.int32)
    y = graph.tensor((1, 1, 1, shape[-1]), np.int32)
    options = {
        "filter_height": filter[0],
        "filter_width": filter[1],
        "padding": padding,
        "stride_height": stride[0],
        "stride_width": stride[1],
    }
    graph.custom("LceBMaxPool2d", [x], [y], options)
    return graph.bytes([x], [y])


def quantize_model(shape, dtype, *, scale=None, zero_point=0) -> bytes:
    graph = Graph()
    x = graph.tensor(shape, dtype, scale=scale, zero_point=zero_point)
    y = graph.tensor((*shape[:-1], words(shape[-1])), np.int32)
    graph.custom("LceQuantize", [x], [y], {})
    return graph.bytes([x], [y])


def dequantize_model(shape, dtype, *, scale=None, zero_point=0) -> bytes:
    graph = Graph()
    x = graph.tensor((*shape[:-1], words(shape[-1])), np.int32)
    y = graph.tensor(shape, dtype, scale=scale, zero_point=zero_point)
    graph.custom("LceDequantize", [x], [y], {})
    return graph.bytes([x], [y])


def first_layer(
    channels: int, *, stride=1, padding=SAME, packed=True, shows_sums=False, weight=1.0
) -> bytes:
    """CONV_2D of one channel ``[1, 12, 11, 1]`` by weights of -1 and +1, and LceQuantize; or only
    the convolution, or both results. One weight can be another."""
    random = np.random.default_rng(channels)
    graph = Graph()
    weights = random.choice(np.float32([-1, 1]), (channels, 3, 3, 1))
    weights[-1, -1, -1] *= weight
    bias = (random.integers(-300, 300, channels) + 0.5).astype(np.float32)
    x = graph.tensor((1, 12, 11, 1), np.float32)
    y = graph.tensor((1, 1, 1, channels), np.float32)  # the runtime works out the rest
    bits = graph.tensor((1, 1, 1, words(channels)), np.int32)
    graph.convolve_reals(x, weights, bias, y, stride=stride, padding=padding)
    if not packed:
        return graph.bytes([x], [y])
    graph.custom("LceQuantize", [y], [bits], {})
    return graph.bytes([x], [bits, y] if shows_sums else [bits])


def small_network(batch: int) -> bytes:
    """All operators in one packed network: quantize, two convolutions, pool, concatenation,
    reshape, a dense layer as a convolution. float32 ``[batch, 6, 6, 40]`` to ``[batch, 1, 1, 5]``.
    """
    random = np.random.default_rng(4)
    graph = Graph()

    def convolve(x: int, channels_in: int, channels_out: int, size: int, filter: int) -> int:
        packed = channels_out > 5
        y_shape = (batch, size, size, words(channels_out) if packed else channels_out)
        y = graph.tensor(y_shape, np.int32 if packed else np.float32)
        bits = random.integers(0, 2, (channels_out, filter, filter, channels_in))
        middle = filter * filter * channels_in // 2
        if packed:
            thresholds = random.integers(middle - 9, middle + 9, channels_out).astype(np.int32)
            rest = [-1, -1, graph.constant(thresholds)]
        else:
            real = random.normal(size=(2, channels_out)).astype(np.float32)
            rest = [graph.constant(real[0]), graph.constant(real[1]), -1]
        case = Convolution(channels_in=channels_in, padding=VALID if size == 1 else SAME)
        inputs = [x, graph.constant(pack_bits(bits)), *rest]
        graph.custom("LceBconv2d", inputs, [y], case.options())
        return y

    x = graph.tensor((batch, 6, 6, 40), np.float32, signature=[-1, 6, 6, 40])
    packed = graph.tensor((batch, 6, 6, 2), np.int32)
    graph.custom("LceQuantize", [x], [packed], {})
    a = convolve(packed, 40, 64, 6, 3)
    b = convolve(a, 64, 32, 6, 3)
    joined = graph.tensor((batch, 6, 6, 3), np.int32)
    graph.concatenate([a, b], joined, axis=3)
    pooled = graph.tensor((batch, 3, 3, 3), np.int32)
    options = {"filter_height": 2, "filter_width": 2, "padding": VALID}
    options |= {"stride_height": 2, "stride_width": 2}
    graph.custom("LceBMaxPool2d", [joined], [pooled], options)
    flat = graph.tensor((batch, 1, 1, 27), np.int32)
    graph.reshape(pooled, flat, [-1, 1, 1, 27])
    y = convolve(flat, 864, 5, 1, 1)
    return graph.bytes([x], [y])
