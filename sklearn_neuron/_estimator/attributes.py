"""Attributes: from a run to the fitted attributes that users see.

They are collected in a dict first, and then set all at once, so that a call that fails leaves the
estimator as it was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._engine.run import Column, Run
from sklearn_neuron._estimator.layout import Layout
from sklearn_neuron._estimator.state import PARKED
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import State
from sklearn_neuron.records import Record

#: Attributes that not every fit has; those of an earlier fit are removed.
OPTIONAL = (
    "feature_names_in_",
    "start_",
    "validation_loss_curve_",
    "validation_scores_",
    "best_validation_score_",
    "n_iter_candidates_",
    "held_out_losses_",
    PARKED,
)


def run_attributes(
    run: Run,
    network: Network,
    layout: Layout,
    rows: NDArray[np.intp] | None,
    earlier: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the fitted attributes after the last complete epoch of a run, or its best one.

    Parameters
    ----------
    run : Run
        The run.
    network : Network
        The network.
    layout : Layout
        How users see it.
    rows : ndarray of shape (n_samples,) or None
        Which rows of the user's X the samples are; None for all of them.
    earlier : mapping
        The attributes of an earlier fit whose curves and history are to be continued; empty if they
        start anew.
    """
    losses = earlier.get("loss_curve_", ())
    curve = np.concatenate([losses, run.losses])
    best = int(curve.argmin()) if len(curve) else 0
    return {
        **layout.attributes(run.fitted(), network),
        "n_iter_": run.moment.n_epochs,
        "engine_": run.engine,
        "loss_curve_": curve,
        "loss_": float(curve[-1]) if len(curve) else math.nan,
        "best_loss_": float(curve[best]) if len(curve) else math.nan,
        "best_iter_": best,
        **validation_attributes(run, len(losses), earlier),
        **history_attributes(run, network, layout, rows, earlier),
    }


def validation_attributes(run: Run, first_epoch: int, earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was measured on the validation data, if there are any."""
    if run.validation is None:
        return {}
    measured, best = run.measured, run.moment.best
    attributes: dict[str, Any] = {"best_validation_score_": math.nan}
    for name, key in (
        ("validation_loss_curve_", "validation_loss"),
        ("validation_scores_", "validation_score"),
    ):
        before = earlier.get(name, ())
        unknown = [math.nan] * (first_epoch - len(before))  # epochs without validation data
        attributes[name] = np.concatenate([before, unknown, [row[key] for row in measured]])
    if best is not None:
        attributes["best_iter_"] = first_epoch + best.epoch
        attributes["best_validation_score_"] = measured[best.epoch]["validation_score"]
    return attributes


def history_attributes(
    run: Run,
    network: Network,
    layout: Layout,
    rows: NDArray[np.intp] | None,
    earlier: Mapping[str, Any],
) -> dict[str, Any]:
    """Return ``history_`` and ``start_``, with parameters and rows as users see them."""
    history, own_rows = run.history, run.rows
    columns, start = history.columns(own_rows), {}
    before: dict[str, Column] = earlier.get("history_", {})
    if history.start is not None:
        start = layout.named(history.start, network)
        named = [layout.named(row["theta"], network) for row in own_rows]
        for name, at_first in start.items():
            values = [row[name] for row in named]  # a stacked array would be another copy
            columns[name] = np.array(values) if isinstance(at_first, float) else values
    if "state" in columns:
        columns["state"] = [named_state(state, network, layout) for state in columns["state"]]
    if "rows" in columns and rows is not None:
        own = {id(of): rows[of].astype(np.int32) for of in columns["rows"]}
        columns["rows"] = [own[id(of)] for of in columns["rows"]]
    if before and before.keys() == columns.keys():
        n = kept_rows(before, history.record)
        columns = {name: lengthened(before[name][:n], column) for name, column in columns.items()}
        start = earlier.get("start_", start)
    return {"history_": columns, **({"start_": start} if start else {})}


def lengthened(before: Column, column: Column) -> Column:
    """Return a column with the rows of an earlier record before its own."""
    if isinstance(column, np.ndarray):
        return np.concatenate([before, column])
    return [*before, *column]


def kept_rows(before: Mapping[str, Column], record: Record) -> int:
    """Return how many rows of an earlier record stay: its last one may have been the last only."""
    numbers = before[record.unit if record.unit in before else "epoch"]
    return len(numbers) - bool(len(numbers) and not record.is_due(numbers[-1]))


def named_state(state: State, network: Network, layout: Layout) -> dict[str, Any]:
    """Return an optimizer's state, with what has a number for each parameter named like these."""
    return {
        name: layout.named(value, network) if np.shape(value) == network.theta.shape else value
        for name, value in state.items()
    }


def attach(estimator: Any, attributes: Mapping[str, Any], parked: Any) -> None:
    """Set the fitted attributes, all at once, and the generator for the next call, if any."""
    if parked is not None:
        attributes = {**attributes, PARKED: parked}
    everything = {**vars(estimator), **attributes}
    for name in OPTIONAL:
        if name not in attributes:
            everything.pop(name, None)
    estimator.__dict__ = everything
