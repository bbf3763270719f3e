"""A buffer that shuffles a stream: what enters leaves once, and never too much is held."""

import itertools

import numpy as np
import pytest
from scipy import sparse

from sklearn_neuron import LogisticNeuronClassifier
from sklearn_neuron.streaming import shuffle_blocks


def blocks_of(sizes):
    """Return blocks whose rows tell their number: X has it twice, y its tenfold, the weight too."""
    ends = np.cumsum(sizes)
    for end, size in zip(ends, sizes, strict=True):
        i = np.arange(end - size, end, dtype=float)
        yield np.column_stack([i, i]), 10 * i, 1.0 + i


@pytest.mark.parametrize("sizes", [[10] * 7, [1] * 40, [100], [3, 0, 50, 1, 26], [0, 5]])
@pytest.mark.parametrize("buffer_size", [1, 2, 7, 16, 1000])
@pytest.mark.parametrize("block_size", [None, 1, 4])
def test_every_row_leaves_once_with_its_y_and_weight(sizes, buffer_size, block_size):
    out = list(
        shuffle_blocks(
            blocks_of(sizes), buffer_size=buffer_size, block_size=block_size, random_state=0
        )
    )
    X, y, weight = (np.concatenate(members) for members in zip(*out, strict=True))
    np.testing.assert_array_equal(np.sort(X[:, 0]), np.arange(sum(sizes)))
    np.testing.assert_array_equal(X[:, 1], X[:, 0])
    np.testing.assert_array_equal(y, 10 * X[:, 0])
    np.testing.assert_array_equal(weight, 1 + X[:, 0])
    limit = block_size or next(size for size in sizes if size)
    assert min(map(len, (block[1] for block in out))) > 0
    assert max(map(len, (block[1] for block in out))) <= limit


def test_no_more_rows_are_held_than_the_buffer_has():
    """What has been read, less what has left, is at most the buffer and the block read last."""
    read = left = most = 0

    def reader():
        nonlocal read
        for block in blocks_of([10] * 100):
            read += 10
            yield block

    for block in shuffle_blocks(reader(), buffer_size=64, random_state=0):
        most = max(most, read - left)
        left += len(block[0])
    assert left == read == 1000
    assert 64 <= most <= 64 + 10


def test_a_block_larger_than_the_buffer_is_taken_in_parts():
    """Row i cannot leave before the buffer has reached it, nor can the first ones all stay."""
    out = np.concatenate(list(shuffle_blocks([np.arange(1000)], buffer_size=10, random_state=0)))
    place = np.argsort(out)
    assert (out <= np.arange(1000) + 10).all()
    assert np.abs(place - np.arange(1000)).mean() < 10


def test_a_stream_that_fits_leaves_in_any_order():
    """All 24 orders of four rows, equally often: chi squared at 23 degrees, 99.9 % quantile."""
    rng, counts = np.random.RandomState(0), {}
    for _ in range(4800):
        out = shuffle_blocks([np.arange(2), np.arange(2, 4)], buffer_size=4, random_state=rng)
        order = tuple(int(row) for block in out for row in block)
        counts[order] = counts.get(order, 0) + 1
    assert set(counts) == set(itertools.permutations(range(4)))
    assert sum((count - 200) ** 2 / 200 for count in counts.values()) < 49.73


def test_the_seed_decides():
    def order(random_state):
        out = shuffle_blocks(blocks_of([10] * 9), buffer_size=40, random_state=random_state)
        return np.concatenate([y for _, y, _ in out])

    np.testing.assert_array_equal(order(3), order(3))
    assert (order(3) != order(4)).any()
    rng = np.random.RandomState(0)
    assert (order(rng) != order(rng)).any()  # another order at every pass


def test_sparse_rows_stay_sparse():
    for container in (sparse.csr_matrix, sparse.csc_array, sparse.csr_array):
        out = list(
            shuffle_blocks(
                ((container(X), y) for X, y, _ in blocks_of([10] * 5)),
                buffer_size=20,
                random_state=0,
            )
        )
        assert all(sparse.issparse(X) and X.format == "csr" for X, _ in out)
        y = np.concatenate([y for _, y in out])
        np.testing.assert_array_equal(sparse.vstack([X for X, _ in out]).toarray()[:, 0] * 10, y)


def test_data_frames_keep_columns_and_index():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"i": range(30), "text": [str(i) for i in range(30)]})
    parts = [(frame[k : k + 6], frame["i"][k : k + 6], None) for k in range(0, 30, 6)]
    out = list(shuffle_blocks(parts, buffer_size=12, random_state=0))
    assert all(weight is None for _, _, weight in out)
    assert all((X["i"] == y).all() for X, y, _ in out)
    rows = pandas.concat([X for X, _, _ in out])
    assert list(rows.index) != list(frame.index)
    pandas.testing.assert_frame_equal(rows.sort_index(), frame)


def test_data_frames_of_polars():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"i": range(30), "text": [str(i) for i in range(30)]})
    parts = [(frame[k : k + 6], np.arange(k, k + 6)) for k in range(0, 30, 6)]
    out = list(shuffle_blocks(parts, buffer_size=12, random_state=0))
    assert all((X["i"].to_numpy() == y).all() for X, y in out)
    assert polars.concat([X for X, _ in out]).sort("i").equals(frame)


def test_lists_and_single_members():
    out = list(shuffle_blocks([[[1.0], [2.0]], [[3.0]]], buffer_size=2, random_state=0))
    assert sorted(float(row[0]) for block in out for row in block) == [1.0, 2.0, 3.0]
    assert not any(isinstance(block, tuple) for block in out)


def test_a_reader_may_fill_the_same_memory_again():
    memory = np.empty((5, 1))

    def reader():
        for k in range(4):
            memory[:] = np.arange(5 * k, 5 * k + 5).reshape(-1, 1)
            yield memory

    out = np.concatenate(list(shuffle_blocks(reader(), buffer_size=100, random_state=0)))
    np.testing.assert_array_equal(np.sort(out[:, 0]), np.arange(20))


def test_it_reads_no_further_than_it_must():
    read = []
    stream = shuffle_blocks(
        (read.append(k) or np.arange(10) for k in itertools.count()), buffer_size=20
    )
    assert read == []
    next(stream)
    assert read == [0, 1]


def test_a_sorted_stream_is_learned_as_a_shuffled_one():
    """Mini-batches of one class after the other: the threshold drifts; in a buffer it does not."""
    X = np.linspace(-1, 1, 4000).reshape(-1, 1)
    y = (X[:, 0] > 0.2).astype(int)
    blocks = [(X[k : k + 200], y[k : k + 200]) for k in range(0, 4000, 200)]
    scores = {}
    for size in (1, 4000):
        neuron = LogisticNeuronClassifier(random_state=0)
        for block in shuffle_blocks(blocks, buffer_size=size, block_size=200, random_state=0):
            neuron.partial_fit(*block, classes=[0, 1])
        scores[size] = neuron.score(X, y)
    assert scores[4000] > scores[1] + 0.2


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"buffer_size": 0}, ValueError, "buffer_size must be at least 1; got 0"),
        ({"buffer_size": 2.5}, TypeError, "buffer_size must be an integer; got 2.5"),
        ({"buffer_size": True}, TypeError, "buffer_size must be an integer; got True"),
        ({"buffer_size": 5, "block_size": -1}, ValueError, "block_size must be at least 1; got -1"),
    ],
)
def test_sizes_are_checked_at_the_call(given, error, message):
    with pytest.raises(error, match=message):
        shuffle_blocks([], **given)


@pytest.mark.parametrize(
    ("blocks", "error", "message"),
    [
        ([(np.ones((3, 1)), np.ones(2))], ValueError, r"number of rows: \[3, 2\]"),
        ([(None, None)], ValueError, "at least one member"),
        ([(np.ones(2), np.ones(2)), np.ones(2)], TypeError, "an array after an array, an array"),
        (
            [np.ones((2, 1)), sparse.csr_array(np.ones((2, 1)))],
            TypeError,
            "got a sparse matrix after an array",
        ),
    ],
)
def test_blocks_that_do_not_fit_are_refused(blocks, error, message):
    with pytest.raises(error, match=message):
        list(shuffle_blocks(blocks, buffer_size=10))
