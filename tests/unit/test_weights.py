"""Packed weights: the same function from a thirtieth of the bytes, and nothing else accepted."""

import numpy as np
import pytest

pytest.importorskip("fer_larq.utils.backend")

from fer_larq.models import packed_weights
from fer_larq.models.bdnn import predictor
from fer_larq.training import run_folder
from fer_larq.utils.errors import UserError
from fer_larq.weights.__main__ import main


@pytest.fixture(scope="module")
def packed(finished_run, tmp_path_factory):
    file = tmp_path_factory.mktemp("weights") / "small.npz"
    assert main([str(finished_run), "--out", str(file)]) == 0
    return file


def test_a_packed_network_gives_the_same_scores_to_the_last_bit(packed, finished_run):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 42, 42), dtype=np.uint8)
    trained, restored = run_folder.load_network(finished_run), run_folder.load_network(packed)
    np.testing.assert_array_equal(
        predictor(trained.network)(pixels), predictor(restored.network)(pixels)
    )
    assert restored.description == run_folder.provenance(trained.description)


def test_a_weight_takes_one_bit(packed, finished_run):
    network = run_folder.load_network(finished_run).network
    binary = sum(layer.count_params() for layer in network.layers if hasattr(layer, "kernel"))
    assert packed.stat().st_size < binary / 8 + 20_000


def test_packing_twice_gives_the_same_bytes(packed, finished_run, tmp_path):
    assert main([str(finished_run), "--out", str(tmp_path / "again.npz")]) == 0
    assert (tmp_path / "again.npz").read_bytes() == packed.read_bytes()


def test_damaged_or_foreign_files_are_refused_in_one_line(packed, tmp_path):
    whole = packed.read_bytes()
    damaged = tmp_path / "damaged.npz"
    for content in (b"", b"no archive", whole[:2000], whole[:-100]):
        damaged.write_bytes(content)
        with pytest.raises(UserError, match=r"damaged\.npz"):
            run_folder.load_network(damaged)
    with damaged.open("wb") as file:
        np.savez_compressed(file, description=np.zeros(65 << 20, np.uint8))
    with pytest.raises(UserError, match="more than 64 MiB"):
        run_folder.load_network(damaged)
    _, arrays = packed_weights.read(packed)
    arrays.pop("signs_3")
    with damaged.open("wb") as file:
        np.savez(file, description=np.frombuffer(b"{}", np.uint8), **arrays)
    with pytest.raises(UserError, match="not written by fer_larq"):
        run_folder.load_network(damaged)
    network = run_folder.load_network(packed).network
    with pytest.raises(UserError, match="not the weights of"):
        packed_weights.restore(network, arrays, damaged)


def test_a_name_that_is_not_packaged_is_answered_with_those_that_are():
    with pytest.raises(UserError, match="nor packaged weights of that name"):
        run_folder.load_network("bdnn9")
