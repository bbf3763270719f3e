"""Explorer data: from an estimator and its rows to the dict that ``explorer.js`` shows."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier

from sklearn_neuron._engine.solvers import Updates, solver_of
from sklearn_neuron._estimator.base import schedule_of
from sklearn_neuron._typing import Array
from sklearn_neuron.activations import ACTIVATIONS, Exponential, Softmax, Step
from sklearn_neuron.inspection._explorer.explorer_pack import kind_for, packed, packed_small
from sklearn_neuron.inspection._subject import (
    Subject,
    feature_names,
    has_record,
    layout_of,
    name_with_sizes,
    recorded_thetas,
    theta_of,
)
from sklearn_neuron.losses import LOSSES
from sklearn_neuron.network import dense, split
from sklearn_neuron.optimizers import OPTIMIZERS, Optimizer
from sklearn_neuron.schedules import Constant

#: Version of the dict; it changes with the meaning of a key.
SCHEMA = 1
#: Rows that are embedded of their own accord, and numbers of the largest packed part.
DEFAULT_ROWS, MAX_NUMBERS = 200, 1_200_000
#: Links that are no activations, which the page computes too.
LINKS = {link.name: link for link in (Exponential, Softmax, Step)}


class Shots(NamedTuple):
    """The parameters at some moments of training."""

    thetas: Array  # (S, n_parameters)
    at: list[int]  # updates or epochs completed by then
    rows: list[int]  # of the history; -1 for the start
    unit: str  # "epoch" or "step"
    n_recorded: int
    fitted: str | None = None  # what the last moment is called, if it is the fitted parameters


def explorer_data(
    subject: Subject,
    rows: NDArray[np.intp] | None,
    snapshots: int,
    options: dict[str, Any],
) -> dict[str, Any]:
    """Return everything that the page shows, as numbers, text and packed arrays."""
    own = subject.estimator
    some = chosen_rows(subject) if rows is None else positions_of(subject, rows)
    part = subject.take(some)
    shots = shots_of(own, subject, snapshots)
    fixed = not computable(part)
    shots, some, notes = within_ceiling(shots, some, part, fixed)
    part = subject.take(some)
    optimizer = optimizer_of(own)
    return {
        "schema": SCHEMA,
        "title": options["title"] or name_with_sizes(own, sizes(subject)),
        "layers": list(sizes(subject)),
        **names_of(own, part),
        "activations": [link_data(link) for link in part.network.activations],
        "loss": loss_data(part.network.loss),
        "alpha": float(part.network.alpha),
        "fit_intercept": bool(part.network.fit_intercept),
        "optimizer": optimizer_data(optimizer),
        "eta": finite(getattr(own, "eta_", math.nan)) if optimizer else None,
        "batch": batch_data(own, subject, some, shots),
        "snapshots": snapshot_data(own, shots, optimizer),
        "curve": curve_data(own, subject),
        "rows": row_data(part, len(subject.samples.Y)),
        "numbers": numbers_of(part, shots.thetas) if fixed else None,
        "image": list(options["image_shape"]) if options["image_shape"] else None,
        "grid": options["grid"],
        "live": live_data(own, part, subject, optimizer, fixed) if options["live"] else None,
        "notes": notes,
    }


def counted(n: int, what: str) -> str:
    """Return a count in words: 1 row, 3 rows."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def kept(n: int, n_all: int, what: str) -> str:
    """Return what the page says where it has fewer of something."""
    verb = "is" if n == 1 else "are"
    return f"{n} of {counted(n_all, what)} {verb} here, to keep the page below 5 MB."


def sizes(subject: Subject) -> tuple[int, ...]:
    """Return the numbers of units, features first."""
    return subject.network.layer_sizes


# ---- which rows and which moments ---------------------------------------------------------------


def positions_of(subject: Subject, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the positions of rows of X among the samples, which lack those of zero weight."""
    place = {int(row): k for k, row in enumerate(subject.rows)}
    missing = [int(row) for row in rows if int(row) not in place]
    if missing:
        raise ValueError(
            f"rows must be numbers of rows of X with a positive weight, from 0 to "
            f"{int(subject.rows.max())}; got {missing[0]}."
        )
    return np.array([place[int(row)] for row in rows], dtype=np.intp)


def chosen_rows(subject: Subject) -> NDArray[np.intp]:
    """Return up to 200 samples: the hardest, wrong ones, and others of every class."""
    network, Y = subject.network, subject.samples.Y
    n = len(Y)
    if n <= DEFAULT_ROWS:
        return np.arange(n)
    z = last_sums(subject)
    losses = network.loss.value(Y, z)
    hardest = np.argsort(-losses, kind="stable")
    wrong = hardest[is_wrong(subject, Y, z)[hardest]]
    first = [*hardest[: DEFAULT_ROWS // 4], *wrong[: DEFAULT_ROWS // 4]]
    label = Y.argmax(axis=1) if Y.shape[1] > 1 else Y[:, 0]
    spread = np.argsort(label, kind="stable")  # every class by its share
    count = DEFAULT_ROWS - len(set(first))
    others = spread[np.linspace(0, n - 1, count).astype(int)]
    return np.unique([*first, *others]).astype(np.intp)


def last_sums(subject: Subject) -> Array:
    """Return z of the last layer."""
    network, (X, Y, _) = subject.network, subject.samples
    z = network.workspace(len(Y)).z
    network.forward(X, network.workspace(len(Y)), z)
    return z.copy()


def is_wrong(subject: Subject, Y: Array, z: Array) -> NDArray[np.bool_]:
    """Return which samples are misclassified; none of a regressor."""
    if not is_classifier(subject.estimator):
        return np.zeros(len(Y), dtype=bool)
    if isinstance(subject.network.loss.link, Softmax) or is_one_vs_rest(subject):
        wrong: NDArray[np.bool_] = z.argmax(axis=1) != Y.argmax(axis=1)
        return wrong
    any_wrong: NDArray[np.bool_] = ((z > 0.0) != (Y > 0.5)).any(axis=1)
    return any_wrong


def is_one_vs_rest(subject: Subject) -> bool:
    """Return whether several outputs stand for one class each, behind other links than softmax."""
    multilabel = getattr(subject.estimator, "_multilabel", False)
    return is_classifier(subject.estimator) and sizes(subject)[-1] > 1 and not multilabel


def shots_of(own: Any, subject: Subject, snapshots: int) -> Shots:
    """Return the recorded parameters, thinned evenly, and then the fitted ones if they differ."""
    fitted = subject.network.theta[None].copy()
    if not subject.fitted:
        return Shots(fitted, [0], [-1], "epoch", 1)
    if not has_record(own):
        n = len(getattr(own, "loss_curve_", []))
        return Shots(fitted, [n], [-1], "epoch", 1, name_of_fitted(own))
    thetas = recorded_thetas(own, start=True)
    history = own.history_
    unit = "step" if "step" in history else "epoch"
    at, n_recorded, name = [0, *(int(number) + 1 for number in history[unit])], len(thetas), None
    if not is_same(thetas[-1], fitted[0]):
        name = name_of_fitted(own)
        at.append(end_of_best(own, unit) or at[-1])
    picked = np.unique(np.linspace(len(at) - 1, 0, min(snapshots, len(at))).round().astype(int))
    at = [at[k] for k in picked]
    picked = np.minimum(picked, n_recorded - 1)
    thetas = thetas[picked]
    if name:
        thetas[-1] = fitted[0]
    return Shots(thetas, at, [int(k) - 1 for k in picked], unit, n_recorded, name)


def is_same(theta: Array, fitted: Array) -> bool:
    """Return whether parameters are the fitted ones, up to the rounding of the record."""
    return bool(np.allclose(theta, fitted, rtol=1e-6, atol=1e-9 * np.abs(fitted).max(initial=0.0)))


def name_of_fitted(own: Any) -> str:
    """Return what the fitted parameters are called, where they are not the last of training."""
    optimizer, why = optimizer_of(own), []
    if hasattr(own, "validation_scores_"):
        why.append(f"best epoch {own.best_iter_}")
    if optimizer is not None and optimizer.average:
        why.append("mean over the updates")
    return "the fitted parameters" + (f" ({', '.join(why)})" if why else "")


def end_of_best(own: Any, unit: str) -> int | None:
    """Return the updates or epochs completed with the best epoch, if the record has it."""
    if not hasattr(own, "validation_scores_"):
        return None
    pairs = zip(own.history_["epoch"], own.history_[unit], strict=True)
    ends = [int(number) + 1 for epoch, number in pairs if epoch == own.best_iter_]
    return ends[-1] if ends else None


def within_ceiling(
    shots: Shots, some: NDArray[np.intp], part: Subject, fixed: bool
) -> tuple[Shots, NDArray[np.intp], list[str]]:
    """Return fewer moments, or fewer rows, where the page would be larger than 5 MB; and say so."""
    notes = []
    n_theta = shots.thetas.shape[1]
    per_row = 3 * sum(sizes(part)[1:]) + 1 if fixed else 0
    room = MAX_NUMBERS - n_theta
    n_rows = max(1, min(len(some), room // max(1, sizes(part)[0])))
    if n_rows < len(some):
        notes.append(kept(n_rows, len(some), "row"))
    keep = int(max(1, min(len(shots.at), room // (n_theta + per_row * n_rows))))
    if keep < len(shots.at):
        notes.append(kept(keep, len(shots.at), "moment"))
        picked = np.unique(np.linspace(0, len(shots.at) - 1, keep).round().astype(int))
        picked = picked if keep > 1 else np.array([len(shots.at) - 1])
        shots = shots._replace(
            thetas=shots.thetas[picked],
            at=[shots.at[k] for k in picked],
            rows=[shots.rows[k] for k in picked],
        )
    return shots, some[:n_rows], notes


# ---- names --------------------------------------------------------------------------------------


def names_of(own: Any, part: Subject) -> dict[str, Any]:
    """Return the names of features and outputs, and what kind of answer the network gives."""
    n_features, K = sizes(part)[0], sizes(part)[-1]
    known_names = feature_names(part.given, n_features)
    named = any(isinstance(name, str) for name in known_names)
    features = [str(name) for name in known_names] if named else None
    kind, classes = "numbers", None
    if is_classifier(own):
        known = getattr(own, "classes_", None)
        known = np.unique(part.samples.Y) if known is None else known
        kind = "classes" if is_one_vs_rest(part) else "binary"
        kind = "multilabel" if getattr(own, "_multilabel", False) else kind
        labels = [str(label) for label in np.ravel(np.asarray(known, dtype=object))]
        classes = [f"label {k}" for k in range(K)] if kind == "multilabel" else labels
    ends = getattr(own, "target_range_", None)
    span = None if ends is None else [np.ravel(end).astype(float).tolist() for end in ends]
    return {"features": features, "kind": kind, "classes": classes, "range": span}


def params_of(component: Any) -> dict[str, Any]:
    """Return the hyper-parameters that are numbers or flags."""
    return {
        name: value if isinstance(value, bool) else float(value)
        for name, value in component.get_params().items()
        if isinstance(value, bool | int | float | np.number)
    }


def link_data(link: Any) -> dict[str, Any]:
    """Return what the page needs to know of an activation or a link."""
    known = {**ACTIVATIONS, **LINKS}
    return {
        "name": str(link.name),
        "own": known.get(link.name) is not type(link),
        "formula": link.formula,
        "derivative": getattr(link, "derivative_formula", None),
        "params": params_of(link),
    }


def loss_data(loss: Any) -> dict[str, Any]:
    """Return what the page needs to know of a loss and its link."""
    return {
        "name": str(loss.name),
        "own": LOSSES.get(loss.name) is not type(loss),
        "formula": loss.formula,
        "delta": loss.delta_formula,
        "params": params_of(loss),
        "link": link_data(loss.link),
    }


def computable(part: Subject) -> bool:
    """Return whether the page can compute the network: all its parts are the package's own."""
    loss = loss_data(part.network.loss)
    links = [*(link_data(link) for link in part.network.activations), loss["link"], loss]
    return not any(link["own"] for link in links)


# ---- training -----------------------------------------------------------------------------------


def optimizer_of(own: Any) -> Optimizer | None:
    """Return the optimizer; None for a minimizer, which makes no updates."""
    solver = solver_of(own.solver)
    return solver.optimizer if isinstance(solver, Updates) else None


def optimizer_data(optimizer: Optimizer | None) -> dict[str, Any] | None:
    """Return what the page needs to know of an optimizer."""
    if optimizer is None:
        return None
    return {
        "name": str(optimizer.name),
        "title": type(optimizer).__name__,
        "own": OPTIMIZERS.get(optimizer.name) is not type(optimizer),
        "formulas": [list(line) for line in optimizer.formulas()],
        "params": params_of(optimizer),
        "decay": float(optimizer.weight_decay),
        "max_norm": None if optimizer.max_norm is None else float(optimizer.max_norm),
        "average": bool(optimizer.average),
    }


def batch_data(own: Any, subject: Subject, some: NDArray[np.intp], shots: Shots) -> dict[str, Any]:
    """Return which embedded rows the update after each moment is over, where they are known."""
    n, whole = len(subject.samples.Y), len(some) == len(subject.samples.Y)
    size = own.batch_size
    plain = getattr(own, "early_stopping", False) in {False, "auto"} and scale_of(own) == 1.0
    plain = plain and not getattr(own, "dropout", 0.0) and not getattr(own, "l1_ratio", 0.0)
    full = size is None or int(size) >= n
    place = {int(row): k for k, row in enumerate(subject.rows[some])}
    recorded = getattr(own, "history_", {}).get("rows") if shots.unit == "step" else None
    steps: list[list[int] | None] | None = None
    if recorded is not None and plain:
        steps = [rows_at(recorded, row + 1, place) for row in shots.rows]
    return {"size": None if full else size, "exact": plain and whole and full, "steps": steps}


def rows_at(recorded: Any, row: int, place: dict[int, int]) -> list[int] | None:
    """Return the embedded positions of the rows of a step; None if one is not embedded."""
    if row >= len(recorded):
        return None
    found = [place.get(int(each), -1) for each in recorded[row]]
    return None if -1 in found else found


def scale_of(own: Any) -> float:
    """Return the unit that training saw y in."""
    state = getattr(own, "_training_state", None)
    return 1.0 if state is None else float(state["units"][0])


def snapshot_data(own: Any, shots: Shots, optimizer: Optimizer | None) -> dict[str, Any]:
    """Return the parameters of every moment, the learning rate after it, and the state."""
    history = getattr(own, "history_", {})
    etas = history.get("eta", ())
    n = len(etas)
    following = [etas[min(row + 1, n - 1)] if n else math.nan for row in shots.rows]
    return {
        "theta": packed_small(shots.thetas),
        "at": shots.at,
        "unit": shots.unit,
        "recorded": shots.n_recorded,
        "fitted": shots.fitted,
        "eta": [finite(eta) for eta in following],
        "state": state_data(own, shots, optimizer),
    }


def state_data(own: Any, shots: Shots, optimizer: Optimizer | None) -> dict[str, Any] | None:
    """Return the optimizer's arrays at every moment, in the letters of its formulas.

    They are those recorded. The velocity of plain momentum also follows from two successive
    parameters.
    """
    if optimizer is None or len(shots.at) < 2:
        return None
    recorded = own.history_.get("state")
    if recorded is not None:
        return recorded_state(own, recorded, shots, optimizer)
    params = optimizer.get_params()
    if type(optimizer) is OPTIMIZERS["sgd"] and params["momentum"] and not params["nesterov"]:
        velocity = velocities(own, shots)
        return None if velocity is None else {"v": packed(velocity, "coarse")}
    return None


#: The letters of the formulas for the names in the state, and what turns the one into the other.
LETTERS = {"mean": "m", "square": "v", "carried": "v"}


def recorded_state(
    own: Any, recorded: list[Any], shots: Shots, optimizer: Optimizer
) -> dict[str, Any]:
    """Return the recorded arrays; what is carried over is the velocity times the momentum."""
    momentum = float(optimizer.get_params().get("momentum") or 1.0)
    columns: dict[str, Any] = {}
    for name, usual in LETTERS.items():
        if name not in recorded[0]:
            continue
        letter = "u" if usual in columns else usual
        arrays = [
            np.zeros(shots.thetas.shape[1]) if row < 0 else theta_of(own, recorded[row][name])
            for row in shots.rows
        ]
        factor = 1.0 / momentum if name == "carried" else 1.0
        columns[letter] = packed(np.array(arrays, dtype=float) * factor, "coarse")
    if "t" in recorded[0]:
        columns["t"] = [0 if row < 0 else int(recorded[row]["t"]) for row in shots.rows]
    return columns


def velocities(own: Any, shots: Shots) -> Array | None:
    """Return v = (θ before − θ after) / η of the last update before each moment, or None."""
    history = own.history_
    numbers = np.array(history[shots.unit])
    per_epoch = own.batch_size is None or shots.unit == "step"
    if not per_epoch or (np.diff(numbers) != 1).any() or scale_of(own) != 1.0:
        return None
    thetas = recorded_thetas(own, start=True)
    moves = [
        np.zeros(thetas.shape[1])
        if row < 0
        else (thetas[row] - thetas[row + 1]) / history["eta"][row]
        for row in shots.rows
    ]
    return np.array(moves)


def curve_data(own: Any, subject: Subject) -> dict[str, Any]:
    """Return the loss curves, at most 2000 points each, and where they are on the axis.

    A loss lies where training was when it was measured, in epochs or steps completed by then.
    """
    losses = [float(loss) for loss in getattr(own, "loss_curve_", [])]
    history = getattr(own, "history_", {})
    numbers = np.arange(len(losses))
    size, updates = own.batch_size, optimizer_of(own) is not None
    full = size is None or int(size) >= len(subject.samples.Y)
    shift, words = 1, ""
    if "step" in history:
        losses, numbers = [float(loss) for loss in history["loss"]], np.array(history["step"])
        shift, words = 0, "The loss of each step is that of its batch, before its update."
    elif updates and full:
        shift, words = 0, "The loss of each epoch is that before its update."
    elif updates:
        words = "The loss of each epoch is the mean over its batches, each before its update."
    held_out = getattr(own, "validation_loss_curve_", None)
    held_out = None if held_out is None or len(held_out) != len(losses) else held_out
    every = -(-len(losses) // 2000) or 1
    return {
        "at": packed(numbers[::every] + shift, "float32"),
        "loss": packed(losses[::every], "float32"),
        "held_out": None if held_out is None else packed(held_out[::every], "float32"),
        "held_out_at": None if held_out is None else packed(numbers[::every] + 1, "float32"),
        "words": words,
    }


def finite(number: Any) -> float | None:
    """Return a number as JSON knows it."""
    return float(number) if math.isfinite(number) else None


def row_data(part: Subject, n_samples: int) -> dict[str, Any]:
    """Return the embedded rows."""
    X, Y, weight = part.samples
    ones = np.ones(len(Y)) if weight is None else weight[:, 0]
    return {
        "X": packed(dense(X), kind_for(X.shape[0] * X.shape[1])),
        "Y": packed(Y),
        "weight": None if weight is None else packed(ones),
        "index": [int(row) for row in part.rows],
        "of": n_samples,
    }


def numbers_of(part: Subject, thetas: Array) -> dict[str, Any]:
    """Return z, a, σ′ and δ of the embedded rows at every moment, for parts of users' own."""
    network, (X, Y, _) = part.network, part.samples
    space = network.workspace(len(Y))
    kept = network.theta.copy()
    shots = []
    with np.errstate(all="ignore"):
        for theta in thetas:
            network.theta[:] = theta
            network.forward(X, space, space.z)
            network.backward(X, Y, 1.0, space, space.z)
            answer = np.empty_like(space.z)
            network.loss.link.forward(space.z, out=answer)
            value = network.loss.value(Y, space.z)[:, None]
            hidden = [
                array
                for W, b, layer, below in zip(
                    *split(theta, network.layer_sizes),
                    space.hidden,
                    [X, *space.hidden],
                    strict=False,
                )
                for array in (
                    dense((below if below is X else below.a) @ W) + b,
                    layer.a,
                    layer.slope,
                    layer.delta,
                )
            ]
            shots.append(np.hstack([*hidden, space.z, answer, space.delta, value]))
    network.theta[:] = kept
    return packed_small(np.array(shots))


# ---- live ---------------------------------------------------------------------------------------


def live_data(
    own: Any, part: Subject, subject: Subject, optimizer: Optimizer | None, fixed: bool
) -> dict[str, Any]:
    """Return what training in the page starts from.

    Raises
    ------
    ValueError
        If the page could not compute the same numbers; the message says why.
    """
    reasons = {
        "its rows are all on the page (set rows=range(len(X)))": len(part.samples.Y)
        == len(subject.samples.Y),
        "a fit recorded its start (set record='epoch' and fit)": subject.fitted and has_record(own),
        "solver is SGD or Adam": optimizer is not None
        and not optimizer_data(optimizer)["own"]  # type: ignore[index]
        and optimizer.name in {"sgd", "adam"}
        and not optimizer.average,
        "activations and loss are the package's own": not fixed,
        "there is neither dropout nor an L1 penalty": not getattr(own, "dropout", 0.0)
        and not (getattr(own, "l1_ratio", 0.0) and own.alpha),
        "no rows are held out": own.early_stopping in {False, "auto"},
        "training saw y in its own units": scale_of(own) == 1.0,
    }
    missing = [reason for reason, holds in reasons.items() if not holds]
    if missing:
        raise ValueError(f"live=True trains in the page, which requires that {missing[0]}.")
    size = own.batch_size
    n = len(part.samples.Y)
    size = n if size is None else min(int(size), n)
    rows = own.history_.get("rows")
    order = [] if rows is None or own.shuffle is False else [r.tolist() for r in rows[:20_000]]
    constant = isinstance(schedule_of(own, chosen=False), Constant)
    start = theta_of(own, own.start_)
    return {
        "start": packed(start[None]),
        "batch_size": size,
        "order": order or None,
        "in_order": own.shuffle is False or size >= n,
        "constant": constant,
        "max_iter": len(own.loss_curve_),
        "names": list(layout_of(own).names),
    }
