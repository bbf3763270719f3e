"""A buffer that shuffles a stream: what enters leaves once, and never too much is held."""

import itertools
import tracemalloc

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
    for size in (20, 4000):
        neuron = LogisticNeuronClassifier(random_state=0)
        for block in shuffle_blocks(blocks, buffer_size=size, block_size=200, random_state=0):
            neuron.partial_fit(*block, classes=[0, 1])
        scores[size] = neuron.score(X, y)
    assert scores[4000] > scores[20] + 0.2


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


X3, y3 = np.ones((3, 2)), np.ones(3)


@pytest.mark.parametrize(
    ("blocks", "error", "message"),
    [
        ([(X3, y3[:2])], ValueError, r"blocks\[0\] differ in their number of rows: \[3, 2\]"),
        ([(None, None)], ValueError, r"blocks\[0\] must have at least one member that is not None"),
        ([(X3, y3), X3], TypeError, r"same members; blocks\[1\] has 1, and the first block 2"),
        ([(X3, y3), (X3, None)], TypeError, r"blocks\[1\]\[1\] is None, and .* an array"),
        ([X3, X3, sparse.csr_array(X3)], TypeError, r"blocks\[2\] is a sparse matrix, and"),
        ([sparse.csr_array(X3), X3], TypeError, r"blocks\[1\] is an array, and .* a sparse matrix"),
        ([(X3, y3), [X3, y3]], TypeError, r"blocks\[1\] is a list: give its members as a tuple"),
        ([[sparse.csr_array(X3), y3]], TypeError, r"blocks\[0\] is a list: give its members as a"),
        ([[[1.0], [2.0, 3.0]]], ValueError, r"blocks\[0\] has rows that differ in their length"),
        ([[(1, "a"), (2, "b")]], TypeError, r"blocks\[0\] mixes text with other values"),
        ([[{"a": 1}, {"a": 2}]], TypeError, r"blocks\[0\] is a list: make a data frame"),
        ([{"X": X3, "y": y3}], TypeError, r"blocks\[0\] is a dict: give its values as a tuple"),
        ([((X3, X3), y3)], TypeError, r"blocks\[0\]\[0\] is a tuple: a member of a block is not"),
        (["a.csv"], TypeError, r"blocks\[0\] is a str: a block is an array, a sparse"),
        ([5], TypeError, r"blocks\[0\] is a int; a block is an array"),
        ([np.float64(5)], TypeError, r"blocks\[0\] is a float64; a block is an array"),
        ([(X3, y3), (X3[:, :1], y3)], ValueError, r"\[1\]\[0\] has the shape \(n, 1\), .*n, 2\)"),
        ([(X3, y3), (X3, X3[:, :1])], ValueError, r"\[1\]\[1\] has the shape \(n, 1\), .* \(n,\)"),
        ([sparse.eye_array(3), sparse.csr_array(X3)], ValueError, r"\[1\] has the shape \(n, 2\)"),
        ([y3, np.array(["a"])], TypeError, r"blocks\[1\] holds text, and in .* numbers"),
        ([y3, np.array([1, None])], TypeError, r"blocks\[1\] holds objects, and .* numbers"),
        ([np.ma.masked_array(y3, y3 > 0)], TypeError, r"blocks\[0\] is a MaskedArray: its mask"),
        ([(X3, sparse.coo_array(y3))], TypeError, r"blocks\[0\]\[1\] is a coo_array: .* toarray"),
    ],
)  # fmt: skip
def test_blocks_that_do_not_fit_are_refused(blocks, error, message):
    with pytest.raises(error, match=message):
        list(shuffle_blocks(blocks, buffer_size=10))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (X3, "got ndarray, which is one block at most. Shuffle what is in memory"),
        (sparse.csr_array(X3), "got csr_array, which is one block"),
        ((X3, y3), r"got the tuple \(ndarray, ndarray\), which is one block"),
        ((X3, None), r"got the tuple \(ndarray, NoneType\), which is one block"),
        ({"X": X3}, "got dict, which is one block"),
        ("flights.parquet", "got str, which is one block"),
        (5, "must be an iterable of blocks; got int."),
        (lambda: iter([X3]), "must be an iterable of blocks; got function; call it"),
    ],
)
def test_what_is_no_stream_is_refused_at_the_call(given, message):
    with pytest.raises(TypeError, match=message):
        shuffle_blocks(given, buffer_size=10)


def frames(package):
    """Return a block of a package, and a block without its second column and with another."""
    columns = {"a": [1, 2, 3], "b": ["x", "y", "z"]}
    others = {"c": [1, 2, 3], "a": [4, 5, 6]}
    if package.__name__ == "pyarrow":
        return package.table(columns), package.table(others)
    return package.DataFrame(columns), package.DataFrame(others)


PACKAGES = ("pandas", "polars", "pyarrow")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_frame_alone_is_no_stream(package):
    """Neither is one with its target; an iterable of columns was taken for one of blocks."""
    frame, _ = frames(pytest.importorskip(package))
    for given in (frame, frame["a"], (frame, frame["a"])):
        with pytest.raises(TypeError, match="which is one block at most"):
            shuffle_blocks(given, buffer_size=10)


@pytest.mark.parametrize("package", PACKAGES)
def test_frames_with_other_columns_are_refused(package):
    """A column that is missing is not filled with NaN."""
    good, bad = frames(pytest.importorskip(package))
    stream = shuffle_blocks([(good, y3), (good, y3), (bad, y3)], buffer_size=2)
    with pytest.raises(
        ValueError, match=r"blocks\[2\]\[0\] must .* missing: \['b'\], further: \['c'\]"
    ):
        list(stream)


@pytest.mark.parametrize("package", PACKAGES)
def test_columns_in_another_order_are_put_in_that_of_the_first_block(package):
    good, _ = frames(pytest.importorskip(package))
    turned = good[["b", "a"]] if package != "pyarrow" else good.select(["b", "a"])
    out = list(shuffle_blocks([good, turned], buffer_size=4, random_state=0))
    names = "column_names" if package == "pyarrow" else "columns"
    assert all(list(getattr(block, names)) == ["a", "b"] for block in out)
    pairs = [(int(a), str(b)) for block in out for a, b in zip(block["a"], block["b"], strict=True)]
    assert sorted(pairs) == [(1, "x"), (1, "x"), (2, "y"), (2, "y"), (3, "z"), (3, "z")]


def test_frames_whose_columns_share_a_name():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(np.arange(6).reshape(2, 3), columns=["a", "a", "b"])
    (out,) = shuffle_blocks([frame], buffer_size=10)
    assert list(out.columns) == ["a", "a", "b"]
    for other, message in ((frame.iloc[:, ::-1], "share a name"), (frame.iloc[:, 1:], "missing")):
        with pytest.raises(ValueError, match=rf"blocks\[1\] .*{message}"):
            list(shuffle_blocks([frame, other], buffer_size=10))


@pytest.mark.parametrize("package", ["polars", "pyarrow"])
def test_types_that_do_not_join_are_refused_with_the_column(package):
    """These packages convert nothing by themselves; pandas joins integers and floats."""
    loaded = pytest.importorskip(package)
    make = loaded.table if package == "pyarrow" else loaded.DataFrame
    good, bad = make({"a": [1], "b": [1]}), make({"b": [0.5], "a": [1]})
    with pytest.raises(TypeError, match=r"blocks\[1\] column 'b' holds \w+64|double, and .*64"):
        list(shuffle_blocks([good, bad], buffer_size=10))
    with pytest.raises(TypeError, match=r"blocks\[1\]\[1\] holds"):
        list(shuffle_blocks([(y3[:1], good["b"]), (y3[:1], bad["b"])], buffer_size=10))


def test_numbers_of_several_dtypes_keep_their_values():
    pandas = pytest.importorskip("pandas")
    arrays = [np.array([1, 2]), np.array([0.5]), np.array([True])]
    for make in (np.asarray, lambda a: sparse.csr_array(a.reshape(-1, 1)), pandas.Series):
        out = list(shuffle_blocks(map(make, arrays), buffer_size=10))
        dense = [block.toarray() if sparse.issparse(block) else block for block in out]
        assert sorted(float(v) for block in dense for v in np.ravel(block)) == [0.5, 1.0, 1.0, 2.0]
    texts = shuffle_blocks([np.array(["a"]), np.array(["long"])], buffer_size=10)
    assert sorted(map(str, np.concatenate(list(texts)))) == ["a", "long"]


def test_an_error_of_the_reader_is_passed_on():
    def reader():
        yield from [np.arange(10), np.arange(10, 20)]
        raise OSError("the disk is gone")

    stream, out = shuffle_blocks(reader(), buffer_size=8, random_state=0), []
    with pytest.raises(OSError, match="the disk is gone"):
        out.extend(stream)
    assert list(stream) == []
    assert len(np.unique(np.concatenate(out))) == 14  # of 20, less what the buffer held


def test_memory_is_bounded_while_others_work_with_a_block():
    """The rows of the buffer and of one block; twice the buffer while it is drawn from."""
    row = 8 * 200

    def reader():
        for _ in range(60):
            yield np.ones((100, 200))

    tracemalloc.start()
    try:
        most = 0
        for _ in shuffle_blocks(reader(), buffer_size=2000, block_size=100, random_state=0):
            most = max(most, tracemalloc.get_traced_memory()[0])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 2000 * row < most < (2000 + 3 * 100) * row
    assert peak < (2 * 2000 + 3 * 100) * row


@pytest.mark.parametrize("second", [["1", "2"], [0.5, "n/a"]])
@pytest.mark.parametrize("member", ["frame", "frame in a tuple", "series"])
def test_numbers_of_pandas_are_not_joined_with_text(second, member):
    pd = pytest.importorskip("pandas")

    def block(values):
        frame = pd.DataFrame({"a": values})
        return {"frame": frame, "frame in a tuple": (frame, np.ones(2)), "series": frame["a"]}[
            member
        ]

    for first, other in (([1.0, 2.0], second), (second, [1, 2])):
        with pytest.raises(TypeError, match=r"blocks\[1\].* holds (numbers|other values), and in"):
            list(shuffle_blocks([block(first), block(other)], buffer_size=10))
    missing = list(shuffle_blocks([block([1.0, 2.0]), block([None, None])], buffer_size=10))
    assert sum(len(each[0]) if isinstance(each, tuple) else len(each) for each in missing) == 4
