"""Opens and runs models of LCE operators with fields changed at random; ends with 0 unless the
process is taken down. Started by native/test_delegate.py; ``--count`` makes a longer run.

Fields are changed through the schema, so that the file itself stays readable: a runtime opens
damaged files as it pleases, and what is on trial here is the delegate.
"""

from __future__ import annotations

import argparse
import random

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

from fer_larq.tflite.interpreter import open_model
from fer_larq.utils.errors import UserError
from helpers import delegate_models as models

EXTREMES = (0, -1, 2**31 - 1, -(2**31), 2**16, 31, 33, 1000)


def number(usual: int) -> int:
    return random.choice([usual, usual + 1, max(0, usual - 1), 1, 2, 3, random.choice(EXTREMES)])


def mutate(model: bytes) -> bytes:
    """Change one to three fields of a model."""
    parsed = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    graph = parsed.subgraphs[0]
    for _ in range(random.randint(1, 3)):
        tensor = random.choice(graph.tensors)
        operator = random.choice(graph.operators)
        match random.randrange(6):
            case 0 if len(tensor.shape):
                shape = list(tensor.shape)
                shape[random.randrange(len(shape))] = number(int(random.choice(shape)))
                tensor.shape = shape
            case 1:
                tensor.type = random.choice(list(models.TYPES.values()))
            # The runtime's own RESHAPE does not survive an input that is left out.
            case 2 if operator.customOptions is not None:
                index = random.randrange(len(operator.inputs))
                inputs = list(operator.inputs)
                inputs[index] = random.choice([-1, random.randrange(len(graph.tensors))])
                operator.inputs = inputs
            case 3 if operator.customOptions is not None:
                try:
                    options = flexbuffers.Loads(bytes(operator.customOptions))
                except (LookupError, ValueError):  # they were changed before
                    continue
                if not isinstance(options, dict) or not options:
                    continue
                key = random.choice(list(options))
                if random.random() < 0.2:
                    del options[key]
                else:
                    options[key] = number(int(options[key]))
                if options:
                    content = bytes(flexbuffers.Dumps(options))
                    operator.customOptions = np.frombuffer(content, np.uint8)
            case 4 if operator.customOptions is not None:
                content = bytearray(bytes(operator.customOptions))
                content[random.randrange(len(content))] = random.randrange(256)
                operator.customOptions = np.frombuffer(bytes(content), np.uint8)
            case 5:
                quantization = schema.QuantizationParametersT()
                quantization.scale = [random.choice([0.0, 1.0, -1.0, float("nan"), 1e-30, 1e30])]
                quantization.zeroPoint = [number(0)]
                tensor.quantization = quantization
    builder = flatbuffers.Builder(4096)
    builder.Finish(parsed.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    originals = [models.small_network(1), models.Convolution(output=models.INT8).model()]
    outcomes = {"refused": 0, "run": 0}
    for _ in range(arguments.count):
        model = mutate(random.choice(originals))
        try:
            interpreter = open_model(model, num_threads=2)
            interpreter.invoke()
            outcomes["run"] += 1
        except (UserError, RuntimeError):
            outcomes["refused"] += 1
    print(outcomes)


if __name__ == "__main__":
    main()
