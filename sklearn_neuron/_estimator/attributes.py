"""Attributes: from a run to the fitted attributes that users see.

They are collected in a dict first, and then set all at once, so that a call that fails leaves the
estimator as it was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sklearn_neuron._engine.run import History, Run
from sklearn_neuron._estimator.layout import Layout
from sklearn_neuron.network import Network

#: Attributes that not every fit has; those of an earlier fit are removed.
OPTIONAL = (
    "feature_names_in_",
    "start_",
    "validation_loss_curve_",
    "validation_scores_",
    "best_validation_score_",
    "n_iter_candidates_",
    "held_out_losses_",
)


def run_attributes(
    run: Run, network: Network, layout: Layout, earlier: Mapping[str, Any]
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
    earlier : mapping
        The attributes of an earlier fit whose curves and history are to be continued; empty if they
        start anew.
    """
    losses = earlier.get("loss_curve_", [])
    curve = losses + run.losses
    best = curve.index(min(curve)) if curve else 0
    return {
        **layout.attributes(run.fitted(), network),
        "n_iter_": len(run.losses),
        "engine_": run.engine,
        "loss_curve_": curve,
        "loss_": curve[-1] if curve else math.nan,
        "best_loss_": curve[best] if curve else math.nan,
        "best_iter_": best,
        **validation_attributes(run, len(losses), earlier),
        **history_attributes(run.history, network, layout, len(losses), earlier),
    }


def validation_attributes(run: Run, first_epoch: int, earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was measured on the validation data, if there are any."""
    validation = run.validation
    if validation is None:
        return {}
    n = len(run.losses)  # an interrupt may come between a measurement and the end of its epoch
    attributes: dict[str, Any] = {"best_validation_score_": math.nan}
    for name, values in (
        ("validation_loss_curve_", validation.losses[:n]),
        ("validation_scores_", validation.scores[:n]),
    ):
        before = earlier.get(name, [])
        unknown = [math.nan] * (first_epoch - len(before))  # epochs without validation data
        attributes[name] = before + unknown + values
    if validation.best >= 0:
        attributes["best_iter_"] = first_epoch + validation.best
        attributes["best_validation_score_"] = validation.scores[validation.best]
    return attributes


def history_attributes(
    history: History,
    network: Network,
    layout: Layout,
    first_epoch: int,
    earlier: Mapping[str, Any],
) -> dict[str, Any]:
    """Return ``history_`` and ``start_``, with parameters as users see them."""
    columns, start = history.columns(), {}
    before: dict[str, list[Any]] = earlier.get("history_", {})
    if history.start is not None:
        start = layout.named(history.start, network)
        rows = [layout.named(row["theta"], network) for row in history.rows]
        columns.update({name: [row[name] for row in rows] for name in start})
    for name, first in (("epoch", first_epoch), ("step", len(before.get("step", [])))):
        if first and name in columns:
            columns[name] = [first + number for number in columns[name]]
    if before and before.keys() == columns.keys():
        columns = {name: before[name] + column for name, column in columns.items()}
        start = earlier.get("start_", start)
    return {"history_": columns, **({"start_": start} if start else {})}


def attach(estimator: Any, attributes: Mapping[str, Any]) -> None:
    """Set the fitted attributes, all at once."""
    everything = {**vars(estimator), **attributes}
    for name in OPTIONAL:
        if name not in attributes:
            everything.pop(name, None)
    estimator.__dict__ = everything
