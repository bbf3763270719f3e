"""What would not fit in memory is refused before it is allocated, by Newton's method."""

import sys
import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from sklearn.model_selection import GridSearchCV

from sklearn_neuron import LogisticNeuronClassifier
from sklearn_neuron._engine import memory
from sklearn_neuron._engine.memory import free_bytes, newton_bytes

GB = 10**9


@pytest.mark.parametrize(
    ("n", "p", "K"),
    [(800, 600, 1), (900, 300, 1), (900, 60, 4), (300, 900, 1), (80, 300, 3)],
)
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("alpha", [0.0, 0.01])
def test_the_bytes_are_enough(n, p, K, form, alpha):
    """And not more than four times what is needed, on data where the eigenvalues are, too.

    A tenth is for blocks of X, outputs and what is small. The rows are so dense that a sparse
    product of them is larger than a dense one.
    """
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n, p)) * (rng.uniform(size=(n, p)) < 0.2)
    X[:, 1] = X[:, 0]
    X, y = form(X), rng.randint(max(2, K), size=n)
    model = LogisticNeuronClassifier(solver="newton", alpha=alpha, tol=1e-6, max_iter=8)
    model.fit(X[:50], rng.randint(max(2, K), size=50))  # what is imported at the first call
    tracemalloc.start()
    try:
        model.fit(X, y)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    needed = newton_bytes(n, p, K, competing=K > 1)
    assert peak < 1.1 * needed
    assert needed < 4 * peak


def big():
    """Return the rows for which a process used to be killed."""
    columns = np.random.RandomState(0).randint(30_000, size=30_000, dtype=np.int32)
    starts = np.arange(0, 30_001, 3, dtype=np.int32)
    X = sparse.csr_matrix((np.ones(30_000), columns, starts), shape=(10_000, 30_000))
    return X, np.arange(10_000) % 2


@pytest.fixture
def _little(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: GB)


@pytest.mark.usefixtures("_little")
def test_a_refusal_names_sizes_and_a_way_out():
    (X, y), model = big(), LogisticNeuronClassifier(solver="newton", alpha=0.1)
    tracemalloc.start()
    try:
        with pytest.raises(MemoryError, match=r"5\.6 GB.*30000 features.*1 GB.*'newton-cg'"):
            model.fit(X, y)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10**8
    assert not hasattr(model, "coef_")
    model.set_params(solver="newton-cg").fit(X, y)


@pytest.mark.usefixtures("_little")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the test scores:UserWarning")
def test_a_search_goes_on():
    X, y = big()
    grid = {"solver": ["newton", "newton-cg"]}
    search = GridSearchCV(LogisticNeuronClassifier(alpha=0.1), grid, cv=2, error_score=np.nan)
    search.fit(X, y)
    assert search.best_params_ == {"solver": "newton-cg"}
    assert np.isnan(search.cv_results_["mean_test_score"][0])


# ---- what is free ------------------------------------------------------------------------------


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Return what writes a file of a pretended system."""
    monkeypatch.setattr(memory, "PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(memory, "limits", lambda: iter(()))

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    write("proc/meminfo", "MemTotal: 99 kB\nMemAvailable:  5000000 kB\n")
    return write


def test_the_machine(system):
    assert free_bytes() == 5_120_000_000


def test_a_control_group_and_those_above_it(system):
    system("proc/self/cgroup", "0::/work/job\n")
    system("groups/work/job/memory.max", "max\n")
    system("groups/work/job/memory.current", "7\n")
    assert free_bytes() == 5_120_000_000
    system("groups/work/memory.max", "3000\n")
    system("groups/work/memory.current", "1000\n")
    system("groups/work/memory.stat", "anon 1\ninactive_file 300\nactive_file 5\n")
    assert free_bytes() == 2300


def test_a_control_group_of_the_first_version(system):
    """In a container the group's own path is that of the host, which is not there."""
    system("proc/self/cgroup", "5:cpu:/x\n3:memory:/docker/abc\n")
    system("groups/memory/memory.limit_in_bytes", "4000\n")
    system("groups/memory/memory.usage_in_bytes", "1500\n")
    system("groups/memory/memory.stat", "total_inactive_file 200\n")
    assert free_bytes() == 2700
    system("groups/memory/memory.usage_in_bytes", "9999\n")
    assert free_bytes() == 0


def test_the_limit_of_the_address_space(tmp_path, monkeypatch):
    """Less what the process has, the first number of its ``statm``, in pages."""
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda which: (10**12, resource.RLIM_INFINITY))
    monkeypatch.setattr(memory, "PROC", tmp_path)
    assert list(memory.limits()) == []  # not Linux
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "statm").write_text("300 20 7 1 0 50 0\n")
    assert list(memory.limits()) == [10**12 - 300 * resource.getpagesize()]
    limit = resource.RLIM_INFINITY, resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda which: limit)
    assert list(memory.limits()) == []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (-1, -1))
    assert not list(memory.limits())
    monkeypatch.setitem(sys.modules, "resource", None)  # nor is there such a module on Windows
    assert list(memory.limits()) == []


def test_where_nothing_is_known_nothing_is_refused(tmp_path, monkeypatch):
    for name in ("PROC", "GROUPS"):
        monkeypatch.setattr(memory, name, tmp_path)
    monkeypatch.setattr(memory, "machine", lambda: iter(()))
    assert free_bytes() is None
    X, y = np.eye(4), [0, 1, 0, 1]
    monkeypatch.setattr(memory, "SMALL", 0)
    LogisticNeuronClassifier(solver="newton", alpha=1.0).fit(X, y)
