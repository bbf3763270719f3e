"""Callbacks: scikit-learn's protocol (1.9 and later), with a task for each epoch or iteration.

With older versions the estimators work without: they have no ``set_callbacks``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn_neuron._engine.training import Run

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupport
    from sklearn.callback import with_callbacks

    DECORATED = 1  # frames that the decorator puts between a method and its caller
except ImportError:  # scikit-learn < 1.9
    DECORATED = 0

    class CallbackSupport:  # type: ignore[no-redef]
        """Nothing to support."""

    def with_callbacks(method: Any) -> Any:
        """Return the method as it is."""
        return method


__all__ = ["DECORATED", "CallbackSupport", "Tasks", "open_tasks", "with_callbacks"]


class Tasks:
    """The tasks of one ``fit``: the whole, and in it one for each epoch or iteration.

    Parameters
    ----------
    estimator : estimator
        That is fitted.
    max_iter : int
        Largest number of epochs.
    unit : {"epoch", "iteration"}
        What a task is called.
    **data : dict
        ``X``, ``y`` and ``metadata``, as callbacks may ask for them.
    """

    def __init__(self, estimator: Any, max_iter: int, unit: str, **data: Any) -> None:
        self.estimator, self.unit, self.data = estimator, unit, data
        self.left = max_iter
        self.whole = estimator._init_callback_context(max_subtasks=max_iter)
        self.whole.call_on_fit_task_begin(estimator=estimator, **data)
        self.epoch: Any = None

    def begin(self) -> None:
        """Begin the next epoch's task, where there can be one."""
        if self.left:
            self.left -= 1
            self.epoch = self.whole.subcontext(task_name=self.unit)
            self.epoch.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def end(self, fitted: Callable[[], dict[str, Any]] | None = None) -> bool:
        """End the epoch's task; return whether a callback asks to stop."""
        stop = False
        if self.epoch is not None:
            stop = self.epoch.call_on_fit_task_end(
                estimator=self.estimator, reconstruction_attributes=fitted, **self.data
            )
            self.epoch = None
        return bool(stop)

    def watcher(self, attributes: Callable[[Run], dict[str, Any]]) -> Callable[[Run], bool]:
        """Return what ends an epoch's task and begins the next one's."""
        if self.epoch is None:  # else one is open still, after another start's last epoch
            self.begin()

        def watch(run: Run) -> bool:
            stop = self.end(lambda: attributes(run))
            if not stop:
                self.begin()
            return stop

        return watch

    def close(self, attributes: Callable[[], dict[str, Any]]) -> None:
        """End what is open."""
        self.end()
        self.whole.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=attributes, **self.data
        )


def open_tasks(estimator: Any, max_iter: int, unit: str, **data: Any) -> Tasks | None:
    """Return the tasks of a fit, or None where there are no callbacks to hear of them."""
    if not hasattr(estimator, "_skl_callbacks"):
        return None
    return Tasks(estimator, max_iter, unit, **data)
