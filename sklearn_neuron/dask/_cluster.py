"""The cluster: functions of groups of parts, one group for each thread of a worker, and their sums.

Parts stay where they are, and only arguments and results travel. Which part is in which group is
settled at the start, and results are added in the order of the groups. So a sum is the same to the
last digit when a worker is lost and others do its work.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from operator import add
from typing import Any, NamedTuple

from sklearn_neuron._extras import require

#: Results that are added at a time: of more groups, workers add so many, until as few are left.
FAN_IN = 16
#: Bytes from which an argument is a task of its own, so that it is sent once. From 100,000 on
#: ``Client.map`` makes one itself, but calls it by the argument's name: two calls share its value.
LARGE = 50_000
SENDING = threading.Lock()
#: Seconds between looks at the cluster, and without any worker until it is given up: a worker that
#: was killed is back within some seconds.
LOOK, GIVEN_UP = 5.0, 60.0


class ClusterLostError(RuntimeError):
    """Raised if the cluster was lost during training; the estimator is as it was before."""


class Blocks(NamedTuple):
    """Parts of the samples on a cluster.

    Parameters
    ----------
    client : distributed.Client
        The way to the cluster.
    groups : list of list of distributed.Future
        The parts of each group.
    recipe : distributed.Future or None, default=None
        What functions of parts get besides, which travels to each worker once.
    """

    client: Any
    groups: list[list[Any]]
    recipe: Any = None

    def bound(self, recipe: Any) -> Blocks:
        """Return the blocks with a recipe."""
        return self._replace(recipe=sent(client_of(self.client), recipe))

    def each(self, function: Callable[..., Any], *own: Sequence[Any], **shared: Any) -> list[Any]:
        """Return what a function returns for each group, given its parts.

        Each of ``own`` has one argument for each group; ``shared`` are keyword arguments.
        """
        return gathered(self.client, self._mapped(function, *own, **shared))

    def sum(self, function: Callable[..., Any], *own: Sequence[Any], **shared: Any) -> Any:
        """Return the sum of what a function returns for each group: numbers, arrays or tuples."""
        futures = self._mapped(function, *own, **shared)
        while len(futures) > FAN_IN:
            some = [futures[i : i + FAN_IN] for i in range(0, len(futures), FAN_IN)]
            futures = self.client.map(total_of, some, pure=False)
        return total_of(gathered(self.client, futures))

    def parts(self, function: Callable[..., Any], **shared: Any) -> Blocks:
        """Return the blocks that a function makes of each part."""
        client = client_of(self.client)
        groups = [client.map(function, group, pure=False, **shared) for group in self.groups]
        return self._replace(groups=groups)

    def _mapped(self, function: Callable[..., Any], *own: Sequence[Any], **shared: Any) -> Any:
        client, size_of = client_of(self.client), require("dask.sizeof", "a cluster").sizeof
        for name, value in shared.items():
            if size_of(value) > LARGE:
                shared[name] = sent(client, value)
        if self.recipe is not None:
            shared["recipe"] = self.recipe
        return client.map(function, self.groups, *own, pure=False, **shared)


def itself(value: Any) -> Any:
    """Return a value, which so is a task's result that any worker can make again."""
    return value


def sent(client: Any, value: Any) -> Any:
    """Return the future of a value that may be large, which the user could not send otherwise."""
    quiet = {"distributed.admin.large-graph-warning-threshold": "1PB"}
    with SENDING, require("dask.config", "a cluster").set(quiet):  # of all threads
        return client.submit(itself, value, pure=False)


def total_of(results: Sequence[Any]) -> Any:
    """Return the sum of results, in their order; that of tuples is one of their elements."""
    return functools.reduce(added, results)


def added(first: Any, second: Any) -> Any:
    """Return the sum of two results."""
    if isinstance(first, tuple):
        return tuple(map(added, first, second))
    if isinstance(first, dict):
        return {name: added(value, second[name]) for name, value in first.items()}
    return add(first, second)  # not in place: a worker keeps the first until all are added


def distributed_of(user: str) -> Any:
    """Import ``distributed``."""
    return require("distributed", user)


def gathered(client: Any, futures: Sequence[Any]) -> list[Any]:
    """Return the results of futures; a ClusterLostError if there is nobody left to compute them."""
    distributed = distributed_of("training on a cluster")
    try:
        wait_for(client, futures)
        return list(client.gather(futures))
    except distributed.KilledWorker as error:
        raise lost(
            "the same task has ended several workers, which usually means that they ran out of "
            "memory. Use smaller partitions, or workers with more memory"
        ) from error
    except (CancelledError, OSError) as error:
        if not isinstance(error, CancelledError) and client.status == "running":
            raise  # of the user's own data, such as a file that is not there
        raise lost(f"{type(error).__name__}: {error}") from error


def wait_for(client: Any, futures: Sequence[Any]) -> None:
    """Wait until futures are there, or raise if there has been no worker for too long."""
    wait, alone = distributed_of("training on a cluster").wait, 0.0
    while True:
        try:
            wait(futures, timeout=LOOK)
            return
        except TimeoutError:  # of the wait: what tasks raise comes when results are gathered
            alone = 0.0 if client.nthreads() else alone + LOOK
            if alone >= GIVEN_UP:
                raise lost("it has had no worker for a minute") from None


def lost(why: str) -> ClusterLostError:
    """Return the error of a cluster that is lost."""
    return ClusterLostError(
        f"The Dask cluster was lost: {why}. The estimator is as it was before the call."
    )


def client_of(client: Any) -> Any:
    """Return a client of a running cluster: the one given, or the one that was made last."""
    if client is None:
        try:
            client = distributed_of("training on a cluster").default_client()
        except ValueError as error:
            raise ValueError(
                "There is no Dask cluster. Start one on this machine with "
                "`from distributed import Client; client = Client()`, or connect to one by its "
                "address, and call again."
            ) from error
    if not hasattr(client, "status"):
        raise TypeError(
            f"client must be a distributed.Client, such as Client({client!r}); got "
            f"{type(client).__name__}."
        )
    if client.status != "running":
        raise lost(f"its client is {client.status}")
    if client.asynchronous:
        raise ValueError(
            "The Dask client is asynchronous, and training waits for results: connect another one "
            "without asynchronous=True, outside of the event loop, and give it as client=."
        )
    return client


def threads_of(client: Any) -> list[str]:
    """Return the address of a worker for each thread of the cluster."""
    threads = client.nthreads()
    if not threads:
        raise lost("it has no worker")
    return [address for address in sorted(threads) for _ in range(threads[address])]
