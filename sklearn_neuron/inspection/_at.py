"""At: an estimator as it was after an epoch or a step of its training."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_neuron._engine.run import Checkpoint, Column
from sklearn_neuron._estimator.base import NetworkEstimator
from sklearn_neuron._estimator.constraints import Number
from sklearn_neuron._typing import Same
from sklearn_neuron.inspection._subject import check_recorded, layout_of, unwrap

#: Curves with one number per epoch.
CURVES = ("loss_curve_", "validation_loss_curve_", "validation_scores_")
START = -1


def at(estimator: Same, epoch: int | None = None, step: int | None = None) -> Same:
    """Return an estimator as it was after an epoch or a step of its training.

    Parameters
    ----------
    estimator : estimator of this package or Pipeline whose last step is one
        Fitted estimator, with ``record="epoch"``, ``record="step"`` or a ``Record`` of these kinds.
        It is not modified.
    epoch : int, default=None
        The epoch (or iteration), counted from 0 as in ``history_["epoch"]``. -1 is the start,
        before the first update.
    step : int, default=None
        The update, counted from 0 over all epochs as in ``history_["step"]``. -1 is the start.
        Exactly one of ``epoch`` and ``step`` must be given.

    Returns
    -------
    estimator
        A copy that predicts with the parameters of that moment. Its curves and its history end
        there, and with validation data ``best_iter_`` is its last complete epoch. Further training
        continues from these parameters, with a new state of the optimizer. With an averaging
        optimizer, the parameters are those that training updated, not their mean.

    Raises
    ------
    ValueError
        If not exactly one of ``epoch`` and ``step`` is given, or if the record does not have that
        moment; the message says which it has.

    See Also
    --------
    journal : All recorded parameters as a table.
    sklearn_neuron.Record : What is recorded, and how often.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_neuron import LogisticNeuronClassifier
    >>> from sklearn_neuron.inspection import at
    >>> X, y = load_iris(return_X_y=True)
    >>> neuron = LogisticNeuronClassifier(
    ...     batch_size=None, eta=0.1, record="epoch", max_iter=200, tol=None
    ... ).fit(X, y)
    >>> [round(at(neuron, epoch=epoch).score(X, y), 2) for epoch in (-1, 9, 199)]
    [0.33, 0.67, 0.98]
    """
    own: Any = unwrap(estimator)
    check_is_fitted(own)
    check_recorded(own)
    if (epoch is None) == (step is None):
        raise ValueError(f"Give either epoch or step to at; got epoch={epoch!r}, step={step!r}.")
    unit, number = ("epoch", epoch) if step is None else ("step", step)
    Number(START, integer=True).check("at", unit, number)
    row = START if number == START else row_of(own, unit, int(number or 0))
    earlier: Same = copy.copy(own)
    earlier.__dict__.update(attributes_at(own, row))
    if not isinstance(estimator, Pipeline):
        return earlier
    whole = copy.copy(estimator)
    whole.steps = [*estimator.steps[:-1], (estimator.steps[-1][0], earlier)]
    return whole


def row_of(estimator: NetworkEstimator, unit: str, number: int) -> int:
    """Return the row of the history that an epoch or a step ends with."""
    history: Mapping[str, Column] = estimator.history_
    if unit not in history:
        raise ValueError(
            "step requires a fit with record='step' and a solver that makes updates; "
            "this one recorded epochs."
        )
    numbers = history[unit]
    rows = [row for row, each in enumerate(numbers) if each == number]
    if not rows:
        raise ValueError(f"There is no {unit} {number} in the record, which has {known(numbers)}.")
    row, steps = rows[-1], history.get("step", [])
    following = steps[row : row + 2] if unit == "epoch" else []
    if len(following) == 2 and following[1] != following[0] + 1:
        raise ValueError(  # the steps between may belong to either epoch
            f"The end of epoch {number} is not in the record, which has steps {known(steps)}. "
            "Give a step."
        )
    return row


def known(numbers: Column) -> str:
    """Return the numbers of epochs or steps in words."""
    if len(numbers) == numbers[-1] - numbers[0] + 1:
        return f"{numbers[0]} to {numbers[-1]}, and -1 for the start"
    shown = numbers if len(numbers) < 6 else [*numbers[:3], "…", numbers[-1]]
    return ", ".join(map(str, shown)) + ", and -1 for the start"


def attributes_at(estimator: NetworkEstimator, row: int) -> dict[str, Any]:
    """Return the fitted attributes as they were after a row of the history."""
    history, names = estimator.history_, layout_of(estimator).names
    named = estimator.start_ if row == START else {name: history[name][row] for name in names}
    n_epochs = 0 if row == START else int(history["epoch"][row]) + 1 - in_midst(history, row)
    curves = {
        name: getattr(estimator, name)[:n_epochs].copy()
        for name in CURVES
        if hasattr(estimator, name)
    }
    losses = curves["loss_curve_"]
    best = int(losses.argmin()) if n_epochs else 0
    scores, validated = curves.get("validation_scores_"), {}
    if scores is not None:  # as in fit, the parameters are those of best_iter_
        best = max(n_epochs - 1, 0)
        validated = {"best_validation_score_": float(scores[best]) if len(scores) else math.nan}
    anew = Checkpoint(epochs=n_epochs)._asdict()
    return {
        **{f"{name}_": like(named[name], getattr(estimator, f"{name}_")) for name in names},
        **curves,
        **validated,
        "history_": {name: copy.copy(column[: row + 1]) for name, column in history.items()},
        "n_iter_": n_epochs,
        "loss_": float(losses[-1]) if n_epochs else math.nan,
        "best_loss_": float(losses.min()) if n_epochs else math.nan,
        "best_iter_": best,
        "_training_state": estimator._training_state | anew,
    }


def in_midst(history: Mapping[str, Column], row: int) -> bool:
    """Return whether the epoch of a row is not known to end with it."""
    if "step" not in history or row + 1 == len(history["step"]):
        return False
    (epoch, next_epoch), (step, next_step) = (
        history[unit][row : row + 2] for unit in ("epoch", "step")
    )
    return bool(next_epoch == epoch or next_step != step + 1)  # steps between were thinned out


def like(recorded: Any, fitted: Any) -> Any:
    """Return a copy of recorded parameters in the precision of the fitted ones."""
    if isinstance(fitted, list):
        return [like(one, other) for one, other in zip(recorded, fitted, strict=True)]
    return np.array(recorded, fitted.dtype) if isinstance(fitted, np.ndarray) else float(recorded)
