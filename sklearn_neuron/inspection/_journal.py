"""The journal: the parameters and losses recorded during training, as a table."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._estimator.base import NetworkEstimator
from sklearn_neuron._extras import require
from sklearn_neuron._typing import RowUnit
from sklearn_neuron.inspection._subject import (
    fitted_layer_sizes,
    parameter_names,
    recorded_thetas,
    unwrap,
)


class Journal(NamedTuple):
    """The unit of the rows, their numbers and epochs; a column for each parameter and Loss."""

    unit: str
    rows: NDArray[Any]
    epochs: NDArray[Any]
    columns: dict[str, NDArray[Any]]


def read_journal(given: Any, every: str | None) -> Journal:
    """Return the journal's columns as arrays.

    Raises
    ------
    ValueError
        If no parameters were recorded, or not as often as ``every`` requires.
    """
    if every not in {None, "epoch", "step"}:
        raise ValueError(f"every must be 'epoch', 'step' or None; got {every!r}.")
    estimator = unwrap(given)
    theta, history = recorded_thetas(estimator), estimator.history_
    has_steps = "step" in history
    if every == "step" and not has_steps:
        raise ValueError(
            "every='step' requires a fit with record='step' and a solver that makes updates "
            "(lbfgs, newton and newton-cg record iterations, which count as epochs)."
        )
    names = parameter_names(given, fitted_layer_sizes(estimator))
    epoch = np.array(history["epoch"], dtype=int)
    loss = np.array(history["loss_after" if has_steps else "loss"], dtype=float)
    unit = "step" if has_steps and every != "epoch" else "epoch"
    index = np.array(history[unit], dtype=int)
    if has_steps and every == "epoch" and is_thinned(estimator):
        raise ValueError(
            "every='epoch' aggregates all steps of an epoch, but the record was thinned out."
        )
    if has_steps and every == "epoch" and len(epoch):
        ends = np.flatnonzero(np.diff(epoch, append=epoch[-1:] + 1))
        n_rows = np.array(history["n_rows"])
        starts = np.concatenate([[0], ends[:-1] + 1])
        loss = np.add.reduceat(loss * n_rows, starts) / np.add.reduceat(n_rows, starts)
        theta, epoch = theta[ends], epoch[ends]
        index = epoch
    columns = {name: theta[:, k] for k, name in enumerate(names)}
    return Journal(unit, index, epoch, {**columns, "Loss": loss})


def is_thinned(estimator: NetworkEstimator) -> bool:
    """Return whether steps are missing between, or before, those that were recorded."""
    steps, every = estimator.history_["step"], getattr(estimator.record, "every", 1)
    between = bool((np.diff(steps) != 1).any())
    return between or (every > 1 and len(steps) > 0 and steps[0] > 0)


def journal(estimator: Any, *, every: RowUnit | None = None) -> Any:
    """Return the recorded parameters and losses as a table.

    Parameters
    ----------
    estimator : estimator of this package or Pipeline whose last step is one
        Fitted estimator, with ``record="epoch"`` or ``record="step"``.
    every : {"epoch", "step"} or None, default=None
        What a row represents. ``None`` keeps the rows as recorded; ``"epoch"`` aggregates recorded
        steps into epochs.

    Returns
    -------
    pandas.DataFrame
        A column for each parameter, with its value at the end of the epoch or step, and ``Loss``.
        The parameters of a neuron are named w and b, or ``w[j]`` with several features (with
        their names, if any) and ``w[k, j]``, ``b[k]`` with several outputs. Those of a network are
        named ``W1[i, j]``, ``b1[j]``, …, where ``W1`` is ``coefs_[0]``. The index counts epochs or
        steps from 0; for steps there is also a column ``epoch``.

        For recorded epochs, ``Loss`` is that of ``loss_curve_``: each batch before its update
        (with lbfgs, newton and newton-cg, after the iteration). For recorded steps, it is the
        loss of the batch *after* its update. Aggregated into epochs, it is the mean of the latter
        over the samples: the column ``Loss`` of the textbook's journal.

    Raises
    ------
    ValueError
        If the fit did not record what is requested.
    ImportError
        If pandas is not installed; the extra ``journal`` installs it.

    See Also
    --------
    JournalDisplay : The same as a plot.
    at : The estimator as it was after an epoch.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron import SigmoidNeuronRegressor
    >>> from sklearn_neuron.inspection import journal
    >>> X = np.array([[3.5], [0.35], [3.2], [-2.0], [1.5], [-0.5]])
    >>> y = np.array([0.5, 0.5, 0.5, 0.5, 0.1, 0.3])
    >>> neuron = SigmoidNeuronRegressor(
    ...     eta=0.9, batch_size=1, shuffle=False, max_iter=3, tol=None, record="step"
    ... )
    >>> neuron = neuron.fit(X, y, coef_init=[2.0], intercept_init=1.0)
    >>> journal(neuron, every="epoch").round(4)  # doctest: +NORMALIZE_WHITESPACE
                w       b    Loss
    epoch
    0      1.8900  0.8304  0.2673
    1      1.7471  0.6583  0.2587
    2      1.5557  0.4788  0.2470
    """
    pandas = require("pandas", "journal")
    table = read_journal(estimator, every)
    steps = {"epoch": table.epochs} if table.unit == "step" else {}
    index = pandas.Index(table.rows, name=table.unit)
    return pandas.DataFrame({**steps, **table.columns}, index=index)
