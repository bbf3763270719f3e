"""Callbacks: scikit-learn's protocol (1.9 and later), with a task for each epoch or iteration.

With earlier versions of scikit-learn the estimators have no ``set_callbacks``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from sklearn_neuron._engine.run import Callback, Run

Fit = TypeVar("Fit", bound=Callable[..., Any])


class FitCallback(Protocol):
    """What type checkers are told that scikit-learn's callbacks have.

    Each hook takes the estimator and the context, and those of the other arguments that it names.
    """

    @property
    def setup(self) -> Callable[..., Any]:
        """Called before ``fit``."""

    @property
    def teardown(self) -> Callable[..., Any]:
        """Called after ``fit``."""

    @property
    def on_fit_task_begin(self) -> Callable[..., Any]:
        """Called when a task begins."""

    @property
    def on_fit_task_end(self) -> Callable[..., Any]:
        """Called when a task ends; True asks to stop."""


if TYPE_CHECKING:  # scikit-learn's own have no types

    class CallbackSupport:
        def set_callbacks(self, *callbacks: FitCallback) -> Self: ...

    def with_callbacks(method: Fit) -> Fit: ...
else:
    try:
        from sklearn.callback import CallbackSupportMixin as CallbackSupport
        from sklearn.callback import with_callbacks
    except ImportError:  # scikit-learn < 1.9

        class CallbackSupport:
            """Stands for scikit-learn's mixin, which earlier versions do not have."""

        def with_callbacks(method: Fit) -> Fit:
            """Return the method as it is."""
            return method


__all__ = ["CallbackSupport", "Tasks", "with_callbacks"]

Attributes = Callable[[], dict[str, Any]]


def copied(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return attributes that stay as they are while training continues."""
    return attributes | {"_training_state": copy.deepcopy(attributes["_training_state"])}


class Tasks:
    """The tasks of one ``fit``: the whole, and in it one for each epoch or iteration.

    At the begin and at the end of each task callbacks may ask for ``fitted_estimator``: it is made
    of the attributes that ``fit`` would set if training ended there.

    Parameters
    ----------
    estimator : estimator
        The estimator that is fitted.
    max_iter : int
        Largest number of epochs or iterations.
    unit : {"epoch", "iteration"}
        The name of their tasks.
    **data : dict
        ``X``, ``y`` and ``metadata``, which callbacks may ask for.
    """

    def __init__(self, estimator: Any, max_iter: int, unit: str, **data: Any) -> None:
        self.estimator, self.unit, self.data = estimator, unit, data
        self.left, self.begun = max_iter, False
        self.whole = estimator._init_callback_context(max_subtasks=max_iter)
        self.epoch: Any = None

    def starter(self, attributes: Callable[[Run], dict[str, Any]]) -> Callable[[Run], None]:
        """Return what is called at each start, and begins the tasks at the first."""

        def begin(run: Run) -> None:
            if not self.begun:
                self.begun = True
                self._begin(lambda: copied(attributes(run)))

        return begin

    def _begin(self, attributes: Attributes) -> None:
        self._tell(self.whole.call_on_fit_task_begin, attributes)
        self._begin_epoch(attributes)

    def _begin_epoch(self, attributes: Attributes) -> None:
        if self.left:
            self.left -= 1
            self.epoch = self.whole.subcontext(task_name=self.unit)
            self._tell(self.epoch.call_on_fit_task_begin, attributes)

    def _end_epoch(self, attributes: Attributes) -> bool:
        """End the epoch's task, if one is open; return whether a callback asks to stop."""
        epoch, self.epoch = self.epoch, None  # also if a callback raises
        return epoch is not None and self._tell(epoch.call_on_fit_task_end, attributes)

    def callback(self, attributes: Callable[[Run], dict[str, Any]]) -> Callback:
        """Return what ends an epoch's task and begins the next one's."""

        def next_epoch(run: Run) -> bool:
            def now() -> dict[str, Any]:
                return copied(attributes(run))

            stop = self._end_epoch(now)
            if not stop:
                self._begin_epoch(now)
            return stop

        return next_epoch

    def close(self, attributes: Attributes) -> None:
        """End what is open."""
        self._end_epoch(attributes)
        self._tell(self.whole.call_on_fit_task_end, attributes)

    def _tell(self, hook: Callable[..., Any], attributes: Attributes) -> bool:
        """Tell callbacks that a task begins or ends; return whether one asks to stop."""
        answer = hook(estimator=self.estimator, reconstruction_attributes=attributes, **self.data)
        return bool(answer)
