"""Networks of larq-zoo, with random weights, on stock runtimes with lce_delegate and in LCE.

``PYTHONPATH=.:tests python tests/helpers/larq_zoo_networks.py [NETWORK ...]`` converts each network
with LCE's converter and prints

1. of every operator in a run on the stock runtime, whether LCE's interpreter gives the same bits
   for the inputs that the operator had there. This tells operators of LCE, all of which must be
   equal, from the runtime's own, which are another build of TensorFlow Lite and round as that does;
2. how far the network's logits are from those of LCE's interpreter;
3. the time of one picture on one thread, in turns with LCE's interpreter. On x86 that interpreter
   runs kernels in plain C++, which LCE does not mean to be fast.

Larq-zoo has to be installed beside what its packages ask for, since zookeeper insists on a protobuf
that TensorFlow 2.21 does not work with::

    pip install --no-deps larq-zoo==2.4.0 zookeeper==1.4.0 "click>=8" "typeguard>=4"
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import importlib.util
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fer_larq.benchmark.rounds import interleaved, ratio
from fer_larq.tflite.graph import Graph, copy_fields
from fer_larq.tflite.interpreter import litert, open_model
from fer_larq.tflite.schema import LCE_PREFIX, NO_TENSOR
from helpers.delegate_models import same_bits

NETWORKS = (
    "QuickNetSmall",
    "QuickNet",
    "BinaryDenseNet28",
    "BiRealNet",
    "RealToBinaryNet",
    "BinaryAlexNet",
    "MeliusNet22",
)

RUNTIMES = ("LiteRT", "TensorFlow Lite")


def build(name: str, size: int = 224, classes: int = 1000, seed: int = 0) -> bytes:
    """A network of larq-zoo for pictures ``[1, size, size, 3]``, converted by LCE.

    Its weights and all values of its batch normalisations are drawn at random, so that signs are
    balanced and channels differ. Raises ``ImportError`` where larq-zoo is not installed.
    """
    from fer_larq.utils.backend import tf  # before anything else imports TensorFlow

    # Larq-zoo imports this package only for its own training, which is not used here.
    if "tensorflow_datasets" not in sys.modules:
        stand_in: Any = types.ModuleType("tensorflow_datasets")
        stand_in.decode = types.SimpleNamespace(Decoder=object)
        sys.modules["tensorflow_datasets"] = stand_in
    zoo = importlib.import_module("larq_zoo")
    from larq_compute_engine import convert_keras_model

    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    construct = getattr(zoo.sota, name, None) or getattr(zoo.literature, name)
    network = construct(input_shape=(size, size, 3), weights=None, num_classes=classes)
    for layer in network.layers:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            for value in layer.weights:
                if "gamma" in value.name:
                    value.assign(random.uniform(0.5, 1.5, value.shape))
                elif "variance" in value.name:
                    value.assign(random.uniform(0.5, 50, value.shape))
                else:
                    value.assign(random.normal(0, 0.5, value.shape))
    return convert_keras_model(network)


def without_softmax(model: bytes) -> bytes:
    """The model that ends with the logits: probabilities near 0 and 1 hide differences."""
    graph = Graph(model)
    (output,) = graph.outputs
    last = graph.producer(output)
    if graph.kind(last) == "SOFTMAX":
        graph.outputs = [last.inputs[0]]
    return graph.save("")


# One operator at a time


def with_all_outputs(model: bytes) -> Graph:
    """The model with the result of every operator among its outputs."""
    graph = Graph(model)
    graph.outputs = [tensor for operator in graph.in_order() for tensor in operator.outputs]
    return graph


def one_by_one(graph: Graph) -> tuple[Graph, list[str]]:
    """A model in which no operator reads what another wrote: all they read are its inputs, and all
    they write its outputs. Also the kind of operator that writes each output.
    """
    alone = Graph()
    vars(alone).update(vars(graph))
    alone.tensors, alone.operators = list(graph.tensors), []
    alone.outputs, reads, kinds = [], {}, []
    for operator in graph.in_order():
        separate = copy_fields(operator)
        separate.outputs = []
        for tensor in operator.outputs:
            written = copy_fields(graph.tensors[tensor])
            written.name += " alone"
            alone.tensors.append(written)
            separate.outputs.append(len(alone.tensors) - 1)
            kinds.append(graph.kind(operator))
        alone.operators.append(separate)
        alone.outputs += separate.outputs
        for tensor in operator.inputs:
            if tensor != NO_TENSOR and not graph.is_constant(tensor):
                reads[tensor] = None
    alone.inputs = list(reads)
    return alone, kinds


def stock(model: bytes, runtime: str, xnnpack: bool) -> Callable[[np.ndarray], list[np.ndarray]]:
    """Load a model with one input into a stock runtime with the delegate, on one thread."""
    if runtime == "LiteRT":
        module = litert
        resolver = module.OpResolverType
    else:
        from fer_larq.utils.backend import tf

        module, resolver = tf.lite, tf.lite.experimental.OpResolverType
    kind = resolver.AUTO if xnnpack else resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = open_model(model, runtime=module, experimental_op_resolver_type=kind)
    takes = interpreter.get_input_details()[0]["index"]
    gives = [output["index"] for output in interpreter.get_output_details()]

    def run(picture: np.ndarray) -> list[np.ndarray]:
        interpreter.set_tensor(takes, picture)
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in gives]

    return run


def lce(model: bytes, **options: bool) -> Callable[..., list[np.ndarray]]:
    """Load a model into LCE's interpreter, on one thread."""
    importlib.import_module("fer_larq.utils.backend")
    from larq_compute_engine.tflite.python.interpreter import Interpreter

    interpreter = Interpreter(model, **options)
    return lambda *inputs: [np.array(y) for y in interpreter.interpreter.predict(list(inputs))]


@dataclasses.dataclass
class Agreement:
    """How many operators of one kind gave the bits of LCE, and how far the others were."""

    operators: int = 0
    equal: int = 0
    largest: float = 0.0  # difference, relative to the largest magnitude of LCE's result

    def add(self, ours: np.ndarray, reference: np.ndarray) -> None:
        self.operators += 1
        if same_bits(ours, reference):
            self.equal += 1
        else:
            magnitude = float(np.abs(reference).max())
            difference = float(np.abs(ours.astype(np.float64) - reference).max())
            self.largest = max(self.largest, difference / magnitude if magnitude else np.inf)


def agreement(
    model: bytes, picture: np.ndarray, runtime: str = "LiteRT", xnnpack: bool = True
) -> dict[str, Agreement]:
    """Run a model on a stock runtime, and each of its operators in LCE's interpreter on the inputs
    that the operator had there; returns the agreement of every kind of operator."""
    graph = with_all_outputs(model)
    (takes,) = graph.inputs
    recorded = stock(graph.save(""), runtime, xnnpack)(picture)
    tensors = {takes: picture, **dict(zip(graph.outputs, recorded, strict=True))}
    alone, kinds = one_by_one(graph)
    replayed = lce(alone.save(""))(*(tensors[index] for index in alone.inputs))
    found: dict[str, Agreement] = collections.defaultdict(Agreement)
    for kind, ours, reference in zip(kinds, recorded, replayed, strict=True):
        found[kind].add(ours, reference)
    return dict(found)


def pictures(model: bytes, count: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Normally distributed pictures, float32 of the shape that the model takes."""
    graph = Graph(model)
    random = np.random.default_rng(seed)
    for _ in range(count):
        yield random.normal(size=graph.shape(graph.inputs[0])).astype(np.float32)


# The command


def report(name: str, size: int, rounds: int) -> bool:
    """Print what the command finds out about one network; True if all of LCE's operators agree."""
    model = build(name, size)
    print(f"{name}, {size} x {size} pixels, {len(model)} bytes", flush=True)
    (picture,) = pictures(model, 1)
    logits = without_softmax(model)
    (expected,) = lce(logits)(picture)
    equal = True
    for runtime in RUNTIMES:
        for xnnpack in (True, False):
            kinds = agreement(model, picture, runtime, xnnpack)
            (result,) = stock(logits, runtime, xnnpack)(picture)
            difference, largest = np.abs(result - expected).max(), np.abs(expected).max()
            print(f"  {runtime}{', XNNPACK' if xnnpack else ''}: logits differ from LCE's by")
            print(f"    at most {difference:.1e}, the largest is {largest:.1f}")
            for kind, found in sorted(kinds.items()):
                note = f", others within {found.largest:.1e}" if found.largest else ""
                print(f"    {kind}: {found.equal} of {found.operators} bit-equal{note}")
                if kind.startswith(LCE_PREFIX) and found.equal != found.operators:
                    equal = False
    if rounds:
        ours = "LiteRT with lce_delegate"
        runs = {ours: stock(model, "LiteRT", True), "LCE": lce(model)}
        runs["LCE, use_xnnpack"] = lce(model, use_xnnpack=True)
        runs["LCE, use_xnnpack, use_indirect_bgemm"] = lce(
            model, use_xnnpack=True, use_indirect_bgemm=True
        )
        seconds = interleaved({n: lambda run=run: run(picture) for n, run in runs.items()}, rounds)
        for candidate, times in seconds.items():
            faster, low, high = ratio(seconds[ours], times)
            note = (
                "" if candidate == ours else f", {faster:.1f} ({low:.1f} to {high:.1f}) times ours"
            )
            print(f"  {candidate}: {1e3 * np.median(times):.1f} ms{note}")
    print(flush=True)
    return equal


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=", ".join(NETWORKS))
    parser.add_argument("--size", type=int, default=224, help="pixels (%(default)s)")
    parser.add_argument("--rounds", type=int, default=9, help="of timing (%(default)s); 0: none")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.networks) - set(NETWORKS))
    if unknown:
        parser.error(f"no network {unknown[0]}; there are {', '.join(NETWORKS)}")
    if importlib.util.find_spec("larq_zoo") is None:
        parser.error("larq-zoo is not installed; --help says how to")
    chosen = arguments.networks or NETWORKS
    results = [report(name, arguments.size, arguments.rounds) for name in chosen]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
