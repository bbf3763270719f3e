"""Reporting: what users read while training runs, and warnings after it."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from types import FrameType
from typing import cast

from sklearn_neuron._engine.run import Callback, Run

#: Packages whose frames are skipped: a warning points to the line of the user's own code.
SKIPPED = {"sklearn_neuron", "sklearn", "joblib"}


def warn(message: str | Warning, category: type[Warning] | None = None) -> None:
    """Warn at the line of the user's code that called the package.

    Parameters
    ----------
    message : str or Warning
        The message, or a warning that has it.
    category : type, default=None
        The kind of warning, where the message is a string.
    """
    # not from this frame on: one that holds itself keeps the samples until it is collected
    level, caller = 2, cast("FrameType | None", sys._getframe(1))
    while caller is not None and caller.f_globals.get("__name__", "").partition(".")[0] in SKIPPED:
        caller, level = caller.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def reporter(name: str, unit: str, max_iter: int, per_loss: float = 1.0) -> Callback:
    """Return a callback that prints one line per epoch or iteration.

    Parameters
    ----------
    name : str
        Name of the estimator.
    unit : {"epoch", "iteration"}
        What is counted.
    max_iter : int
        Their largest number.
    per_loss : float, default=1.0
        The unit of the losses.

    Returns
    -------
    callable
        Called with the run after each epoch.
    """
    start, width = time.perf_counter(), len(str(max_iter))

    def report(run: Run) -> bool:
        now = run.moment
        line = f"[{name}] {unit} {now.n_epochs:>{width}}/{max_iter}  loss {now.loss * per_loss:.6g}"
        if now.measured:
            line += f"  validation loss {now.measured['validation_loss'] * per_loss:.6g}"
            line += f"  score {now.measured['validation_score']:.4f}"
        if unit == "epoch":
            line += f"  eta {now.eta:.6g}"
        print(f"{line}  {time.perf_counter() - start:.2f} s", flush=True)  # noqa: T201
        return False

    return report


def length_reporter(name: str, per_loss: float) -> Callable[[int, float], None]:
    """Return what prints one line for each number of epochs tried; see ``length``."""

    def report(n_epochs: int, loss: float) -> None:
        print(f"[{name}] {n_epochs} epochs  held-out loss {loss * per_loss:.6g}", flush=True)  # noqa: T201

    return report


def not_converged(name: str, kind: str, **facts: object) -> str:
    """Return the message of a ConvergenceWarning.

    Parameters
    ----------
    name : str
        Name of the estimator.
    kind : {"iterations", "mistakes", "epochs"}
        How training would have ended.
    **facts : dict
        ``solver``, ``n_iter``, ``max_iter``, ``tol``, ``n_iter_no_change``, the solver's
        ``message``, and ``remedies`` beside a larger max_iter.

    Returns
    -------
    str
        What happened and what to do.
    """
    text = {
        "iterations": "{solver} stopped after {n_iter} iterations (max_iter={max_iter}) before "
        "the gradient fell below tol={tol}{message}. Increase max_iter",
        "mistakes": "max_iter={max_iter} epochs passed without one free of mistakes (the classes "
        "may not be linearly separable). Increase max_iter",
        "epochs": "max_iter={max_iter} epochs passed before the loss had failed to improve by "
        "tol={tol} for n_iter_no_change={n_iter_no_change} of them in a row. Increase max_iter",
    }[kind]
    return f"{name}: {text.format(**facts)}{facts['remedies']}."
