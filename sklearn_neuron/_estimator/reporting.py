"""Reporting: what users read while training runs and after it has ended too early."""

from __future__ import annotations

import time

from sklearn_neuron._engine.training import Run, Watcher


def reporter(name: str, unit: str, max_iter: int) -> Watcher:
    """Return a function that prints one line for each epoch or iteration.

    Parameters
    ----------
    name : str
        The estimator's.
    unit : {"epoch", "iteration"}
        What is counted.
    max_iter : int
        How many there are at most.

    Returns
    -------
    callable
        Takes the run, after each of its epochs.
    """
    start, width = time.perf_counter(), len(str(max_iter))

    def report(run: Run) -> bool:
        line = f"[{name}] {unit} {len(run.losses):>{width}}/{max_iter}  loss {run.losses[-1]:.6g}"
        if run.held_out is not None:
            line += f"  validation loss {run.held_out.losses[-1]:.6g}"
            line += f"  score {run.held_out.scores[-1]:.4f}"
        if unit == "epoch":
            line += f"  eta {run.eta:.6g}"
        print(f"{line}  {time.perf_counter() - start:.2f} s", flush=True)  # noqa: T201
        return False

    return report


def report_compiled(name: str) -> None:
    """Say why a fit may seem to wait before its first epoch."""
    print(  # noqa: T201
        f"[{name}] compiled epochs; the first fit of its kind compiles for some seconds, once",
        flush=True,
    )


def not_converged(name: str, kind: str, **facts: object) -> str:
    """Return the text of a ConvergenceWarning.

    Parameters
    ----------
    name : str
        The estimator's.
    kind : {"iterations", "mistakes", "epochs"}
        How training would have ended by itself.
    **facts : dict
        ``solver``, ``n_iter``, ``max_iter``, ``tol``, ``n_iter_no_change`` and the solver's
        ``message``.

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
    return f"{name}: {text.format(**facts)}, or scale the features (StandardScaler)."
