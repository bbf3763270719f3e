"""Memory: how much is free, and the refusal of a job that would not fit, before it allocates.

Where a system hands out memory that it does not have and later ends the process that uses it, no
allocation fails. So what a job needs is compared beforehand with what is free: in the machine, in
the process's control groups (containers, batch systems) and under its resource limits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sklearn_neuron.activations import Softmax
from sklearn_neuron.network import Network

PROC, GROUPS = Path("/proc"), Path("/sys/fs/cgroup")
#: Part of the free memory that a job may take: the rest is for others, and for what is small.
SAFE = 0.9
#: Bytes that no job is refused for: looking costs 0.1 ms.
SMALL = 1 << 26


def newton_bytes(n: int, p: int, K: int, *, competing: bool) -> int:
    """Return the bytes of the matrices that Newton's method has at a time, at most.

    H, what is factored in its place, its eigenvectors and those of them that count; with fewer
    samples than features also three of ``RowSpace``.
    """
    m = min(n, p) + 1
    numbers = 4 * (K * m) ** 2 if competing else (2 * K + 2) * m**2
    return 8 * (numbers + (3 * n * n if n < p else 0))


def check_memory(network: Network, n: int, p: int) -> None:
    """Raise a MemoryError unless Newton's method has memory for n samples of p features."""
    K = network.layer_sizes[-1]
    needed = newton_bytes(n, p, K, competing=isinstance(network.loss.link, Softmax))
    if needed < SMALL:
        return
    free = free_bytes()
    if free is not None and needed > SAFE * free:
        raise MemoryError(
            f"solver='newton' needs {shown(needed)} of memory for dense matrices of second "
            f"derivatives ({n} samples, {p} features, {K} outputs), but only {shown(free)} are "
            "free. Use solver='newton-cg', which needs no such matrix, or 'lbfgs'."
        )


def shown(n_bytes: float) -> str:
    """Return a number of bytes as users read it."""
    return f"{n_bytes / 1e9:.3g} GB"


def free_bytes() -> int | None:
    """Return the bytes that this process may still allocate and use; None if nothing is known."""
    return min((max(0, number) for number in (*machine(), *groups(), *limits())), default=None)


def machine() -> Iterator[int]:
    """Yield what the machine has free, without what the page cache would give back."""
    for line in text_of(PROC / "meminfo").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            yield 1024 * int(rest.split()[0])
            return
    try:  # not Linux: all that there is
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return


def groups() -> Iterator[int]:
    """Yield what each control group of the process, and each above it, has left."""
    for line in text_of(PROC / "self" / "cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in {"", "memory"}:
            continue
        first = not controllers  # version 1 has a tree for each controller
        root = GROUPS if first else GROUPS / controllers
        names = ("memory.max", "memory.current", "inactive_file ")
        if not first:
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file ")
        group = root / path.strip("/")
        for folder in (group, *group.parents):
            limit, used = text_of(folder / names[0]).strip(), text_of(folder / names[1]).strip()
            if limit.isdigit() and used.isdigit():
                stat = text_of(folder / "memory.stat").splitlines()
                cache = [int(line.split()[1]) for line in stat if line.startswith(names[2])]
                yield int(limit) - int(used) + sum(cache)
            if folder == root:
                break


def limits() -> Iterator[int]:
    """Yield what the limit of the process's address space leaves."""
    try:
        import resource  # noqa: PLC0415 - there is none on Windows
    except ImportError:
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    pages = text_of(PROC / "self" / "statm").split()
    if limit != resource.RLIM_INFINITY and pages:
        yield limit - int(pages[0]) * resource.getpagesize()


def text_of(path: Path) -> str:
    """Return a file's text, or nothing where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
