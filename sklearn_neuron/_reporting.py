"""Reporting: what users read while training runs and after it has ended too early."""

from __future__ import annotations

import time

from sklearn_neuron.training import Report


def reporter(name: str, unit: str, max_iter: int) -> Report:
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
        Takes the number (from 1), the loss and the learning rate.
    """
    start, width = time.perf_counter(), len(str(max_iter))

    def report(number: int, loss: float, eta: float) -> None:
        rate = f"  eta {eta:.6g}" if unit == "epoch" else ""
        seconds = time.perf_counter() - start
        line = f"[{name}] {unit} {number:>{width}}/{max_iter}  loss {loss:.6g}{rate}"
        print(f"{line}  {seconds:.2f} s", flush=True)  # noqa: T201

    return report


def not_converged(name: str, kind: str, **facts: object) -> str:
    """Return the text of a ConvergenceWarning.

    Parameters
    ----------
    name : str
        The estimator's.
    kind : {"lbfgs", "mistakes", "epochs"}
        How training would have ended by itself.
    **facts : dict
        ``n_iter``, ``max_iter``, ``tol``, ``n_iter_no_change`` and SciPy's ``message``.

    Returns
    -------
    str
        What happened and what to do.
    """
    text = {
        "lbfgs": "L-BFGS stopped after {n_iter} iterations (max_iter={max_iter}) before the "
        "gradient fell below tol={tol}; SciPy says: {message}. Increase max_iter",
        "mistakes": "max_iter={max_iter} epochs passed without one free of mistakes (the classes "
        "may not be linearly separable). Increase max_iter",
        "epochs": "max_iter={max_iter} epochs passed before the loss had failed to improve by "
        "tol={tol} for n_iter_no_change={n_iter_no_change} of them in a row. Increase max_iter",
    }[kind]
    return f"{name}: {text.format(**facts)}, or scale the features (StandardScaler)."
