"""The diagnosis: how well each layer learns, epoch by epoch, and in words what goes wrong."""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from sklearn_neuron._engine.compiled import sigma_of
from sklearn_neuron._engine.solvers import solver_of
from sklearn_neuron._estimator.diagnosis import level_of
from sklearn_neuron._extras import require
from sklearn_neuron._typing import Array, EpochChoice
from sklearn_neuron.inspection._diagnosis.findings import Case, findings_of
from sklearn_neuron.inspection._diagnosis.measures import (
    Measures,
    layer_slopes,
    measure_layers,
)
from sklearn_neuron.inspection._subject import (
    Subject,
    has_record,
    name_with_sizes,
    recorded_thetas,
    subject_of,
    unwrap,
)
from sklearn_neuron.network import split

MOST_EPOCHS = 20  # of epochs="auto", besides the start
WIDTH = 90  # of printed findings
SHOWN_ROWS = 5  # hardest rows of a printed diagnosis
QUANTITIES = ("delta", "gradient", "ratio", "dead", "saturated")
HEADS = ("layer", "‖δ‖", "‖∂W‖", "‖ΔW‖/‖W‖", "dead", "saturated")


@dataclass(frozen=True, eq=False, repr=False)
class Diagnosis:
    """Result of ``diagnose``; printing it shows a table of the layers and the findings.

    E epochs, L layers, m rows. The array of layer l is in column ``l - 1``.

    Attributes
    ----------
    findings : tuple of str
        What goes wrong, in words; empty if nothing does.
    epochs : ndarray of shape (E,)
        The epochs, counted from 0; -1 is the start.
    fitted : int
        The row, among the epochs, of the fitted parameters: the last one, unless the best epoch
        was restored.
    delta : ndarray of shape (E, L)
        ‖δˡ‖: the root of the (weighted) mean over the rows of ‖δᵢˡ‖².
    gradient : ndarray of shape (E, L)
        ‖∂Wˡ‖, the Frobenius norm of the gradient of the objective.
    ratio : ndarray of shape (E, L)
        ‖ΔWˡ‖ / ‖Wˡ‖ of an update. NaN at the start and where no parameters were recorded. With
        ``record="epoch"`` it is the change over the epoch divided by its number of updates, and so
        at most the mean of the single ones.
    dead : ndarray of shape (E, L)
        Share of units with the slope σ′(z) = 0 for every row; NaN for the last layer.
    saturated : ndarray of shape (E, L)
        Share of units whose slope is less than 5 % of the activation's largest one for at least
        95 % of the rows; NaN where it does not apply: for an activation that is not flat on both
        sides, and for outputs whose δ does not vanish with their slope.
    loss : ndarray of shape (E, m)
        ℓᵢ of every row, without the penalty.
    share : ndarray of shape (m,)
        sᵢ / Σs, which is 1 / m if all weights are one; ``loss @ share`` is the loss of each epoch.
    row_index : ndarray of shape (m,)
        The numbers of X's own rows; those of zero weight are left out.
    hardest_rows : ndarray of shape (m,)
        The same numbers, the row of the largest loss at the fitted parameters first.
    constant_loss : float
        The loss of the best constant prediction; NaN if it is not known, infinite if it is perfect.
    layers : tuple of str
        What each layer is, for example ``"1: 64 → 32, relu"``.
    title : str
        What was looked at.

    See Also
    --------
    diagnose : Returns it.
    DiagnosisDisplay : Draws it.

    Examples
    --------
    >>> from sklearn_neuron import SigmoidNeuronRegressor
    >>> from sklearn_neuron.inspection import diagnose
    >>> X, y = [[1.0], [2.0], [-1.0]], [0.5, 0.9, 0.1]
    >>> neuron = SigmoidNeuronRegressor(max_iter=5, tol=None, record="epoch").fit(X, y)
    >>> diagnosis = diagnose(neuron, X, y)
    >>> diagnosis.layers, diagnosis.epochs.tolist()
    (('1: 1 → 1, logistic',), [-1, 0, 1, 2, 3, 4])
    """

    findings: tuple[str, ...]
    epochs: NDArray[np.intp]
    fitted: int
    delta: Array
    gradient: Array
    ratio: Array
    dead: Array
    saturated: Array
    loss: Array
    share: Array
    row_index: NDArray[np.intp]
    hardest_rows: NDArray[np.intp]
    constant_loss: float
    layers: tuple[str, ...]
    title: str

    def __repr__(self) -> str:
        rows = [HEADS, *self._cells()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [self.title, self._summary(), ""]
        for first, *numbers in rows:
            cells = (f"{cell:>{width}}" for cell, width in zip(numbers, widths[1:], strict=True))
            lines.append("  ".join([f"  {first:<{widths[0]}}", *cells]))
        lines += ["", f"hardest rows: {self._hardest()}", "", self._count()]
        for text in self.findings:
            lines += textwrap.wrap(
                text, WIDTH, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return the table and the findings for notebooks."""

        def row(cells: tuple[str, ...], tag: str) -> str:
            style = "style='text-align:{};padding:0 0.6em'"
            first, *numbers = (html.escape(cell) for cell in cells)
            return (
                f"<tr><{tag} {style.format('left')}>{first}</{tag}>"
                + "".join(f"<{tag} {style.format('right')}>{each}</{tag}>" for each in numbers)
                + "</tr>"
            )

        words = map(html.escape, self.findings)
        return (
            f"<div><p><b>{html.escape(self.title)}</b><br>{html.escape(self._summary())}</p>"
            f"<table><thead>{row(HEADS, 'th')}</thead>"
            f"<tbody>{''.join(row(cells, 'td') for cells in self._cells())}</tbody></table>"
            f"<p>hardest rows: {html.escape(self._hardest())}</p>"
            f"<p>{self._count()}</p><ul>{''.join(f'<li>{each}</li>' for each in words)}</ul></div>"
        )

    def _summary(self) -> str:
        """Return the loss at the fitted parameters, beside what it may be compared with."""
        mean = self.loss @ self.share
        others = [f"{mean[0]:.4g} at the start"] if self.epochs[0] < 0 else []
        if np.isfinite(self.constant_loss):
            others.append(f"{self.constant_loss:.4g} of a constant prediction")
        beside = f" ({', '.join(others)})" if others else ""
        return f"epoch {self.epochs[self.fitted]}: loss {mean[self.fitted]:.4g}{beside}"

    def _cells(self) -> list[tuple[str, ...]]:
        """Return the texts of the table, a line for each layer at the fitted parameters."""
        table = [getattr(self, name)[self.fitted] for name in QUANTITIES]
        formats = ("{:.2e}", "{:.2e}", "{:.1e}", "{:.0%}", "{:.0%}")
        return [
            (
                layer,
                *(
                    "–" if np.isnan(column[l]) else text.format(column[l])
                    for text, column in zip(formats, table, strict=True)
                ),
            )
            for l, layer in enumerate(self.layers)
        ]

    def _hardest(self) -> str:
        """Return the rows of the largest losses."""
        loss = dict(zip(self.row_index.tolist(), self.loss[self.fitted].tolist(), strict=True))
        rows = self.hardest_rows[:SHOWN_ROWS].tolist()
        return ", ".join(f"{row} (loss {loss[row]:.3g})" for row in rows)

    def _count(self) -> str:
        """Return how many findings there are, in words."""
        n = len(self.findings)
        return f"{n or 'no'} finding{'' if n == 1 else 's'}"

    def to_frame(self) -> Any:
        """Return the measures of all epochs and layers as a table.

        Returns
        -------
        pandas.DataFrame
            Indexed by epoch and layer, with the columns ``delta``, ``gradient``, ``ratio``,
            ``dead`` and ``saturated``.

        Raises
        ------
        ImportError
            If pandas is not installed; the extra ``journal`` installs it.
        """
        pandas = require("pandas", "Diagnosis.to_frame")
        layers = range(1, len(self.layers) + 1)
        index = pandas.MultiIndex.from_product([self.epochs, layers], names=["epoch", "layer"])
        columns = {name: getattr(self, name).ravel() for name in QUANTITIES}
        return pandas.DataFrame(columns, index=index)


def diagnose(
    estimator: Any, X: Any, y: Any, *, sample_weight: Any = None, epochs: EpochChoice = "auto"
) -> Diagnosis:
    """Measure how each layer learns, and say in words what goes wrong.

    Parameters
    ----------
    estimator : estimator of this package or Pipeline whose last step is one
        Fitted estimator. With ``record="epoch"`` or ``record="step"`` the recorded epochs are
        measured, otherwise only the fitted parameters. The estimator is not modified.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The input data: those of ``fit``, or others.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The target values.
    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights; samples of zero weight are left out, as in ``fit``.
    epochs : {"auto", "all"} or array-like of int, default="auto"
        Which of the recorded epochs are measured; -1 is the start. ``"auto"`` takes at most 20 at
        even distances, up to the end, and the start. The epoch of the fitted parameters is always
        among them. Of recorded steps, the last one of each epoch is measured.

    Returns
    -------
    Diagnosis
        The measures and the findings.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    ValueError
        If an epoch was not recorded, or if ``fit`` would not accept the data.

    See Also
    --------
    DiagnosisDisplay : The same as a plot.
    RowsDisplay : A plot of the hardest rows.

    Notes
    -----
    What is found, at the fitted parameters:

    - **dead units**: at least 90 % of the units of a hidden layer have the slope 0 for every row.
      A half is enough where the loss is above half of that of the best constant prediction, and the
      other units are fewer than the inputs of the layer.
    - **saturated units**: the same shares, of units that are flat for 95 % of the rows [1]_.
    - **vanishing or exploding δ**: ‖δ¹‖ is less than 1e-4 or more than 1e4 times ‖δᴸ‖ [1]_. The
      Wᴸ of a regressor, and with it ‖δ¹‖ / ‖δᴸ‖, is in the target's unit: the quotient is divided
      by the standard deviation of the target.
    - **updates too small or too large**: the median of ‖ΔWˡ‖ / ‖Wˡ‖ over the recorded epochs is
      below 1e-5 or above 0.1 in every layer, where the loss is above half of that of the best
      constant prediction. About 1e-3 is usual.
    - **nothing learned**: the loss is above 0.98 times that of the best constant prediction. Where
      it is also above 1.25 times, or the outputs hardly depend on X, ``fit`` warns of it, too.
    - **still falling**: ``max_iter`` was reached after 20 epochs or more, and the loss fell by more
      than 5 % over the last tenth of them, and is above half of that of the best constant
      prediction.
    - **overfitting**: the loss of the validation data, or else that of these rows over the recorded
      epochs, is at the fitted parameters 1.25 times its smallest value, and higher by 5 % of that
      of the best constant prediction, while the loss of training has fallen. As many rows as
      ``fit`` was given are taken for these, which show no overfitting.
    - **a few rows**: at most 1 % of the rows carry more than half of the loss, which is above half
      of that of the best constant prediction; rows of a rare class are hard for another reason.
    - **unscaled features or targets**: the largest standard deviation is not within 0.05 and 20.
    - **class imbalance ignored**: a class with at most half of its even share of the rows, but 5
      or more, is recognized in less than a fifth of them, and ``class_weight`` is None.

    The most important finding that asks for a larger or a smaller ``eta`` decides which: the
    findings after it do not ask for the opposite.

    References
    ----------
    .. [1] X. Glorot, Y. Bengio (2010). Understanding the difficulty of training deep feedforward
       neural networks. AISTATS, 249-256. https://proceedings.mlr.press/v9/glorot10a.html

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_neuron import ManualMLPClassifier
    >>> from sklearn_neuron.inspection import diagnose
    >>> X, y = load_iris(return_X_y=True)
    >>> network = ManualMLPClassifier(
    ...     (8, 8), activation="logistic", init="glorot_uniform", eta=1e-6, max_iter=20, tol=None
    ... )
    >>> diagnosis = diagnose(network.set_params(random_state=0).fit(X, y), X, y)
    >>> for finding in diagnosis.findings:
    ...     print(finding)  # doctest: +ELLIPSIS
    the loss is 1..., as high as the 1.1 of a constant prediction: nothing has been learned. ...
    """
    check_is_fitted(unwrap(estimator))
    subject = subject_of(estimator, X, y, sample_weight)
    record = chosen_record(subject, epochs)
    with np.errstate(all="ignore"):  # values that are not finite are visible in the table
        measures = [
            measures_at(subject, theta)._replace(z=np.empty((0, 0)))  # not for every epoch
            for theta in record.thetas
        ]
        fitted = measures_at(subject, record.thetas[record.fitted])  # the network stays there
        case = Case(
            subject=subject,
            fitted=fitted,
            at_start=measures[0] if record.epochs[0] < 0 else None,
            losses=np.array([each.loss for each in measures]) @ subject.shares,
            share=subject.shares,
            epochs=record.epochs,
            fitted_row=record.fitted,
            ratio=record.ratio,
            constant=level_of(subject.network, subject.samples),
        )
        findings = tuple(findings_of(case))
    return Diagnosis(
        findings=findings,
        epochs=record.epochs,
        fitted=record.fitted,
        **{
            name: np.array([getattr(each, name) for each in measures])
            for name in ("delta", "gradient", "dead", "saturated", "loss")
        },
        ratio=record.ratio,
        share=case.share,
        row_index=subject.rows,
        hardest_rows=subject.rows[np.argsort(-fitted.loss, kind="stable")],
        constant_loss=case.constant,
        layers=layers_in_words(subject),
        title=diagnosis_title(subject),
    )


def measures_at(subject: Subject, theta: Array) -> Measures:
    """Return the measures at θ, which the network keeps."""
    subject.network.theta[...] = theta
    return measure_layers(subject, layer_slopes(subject.network))


def diagnosis_title(subject: Subject) -> str:
    """Return the name of an estimator, its layers, its rows and its loss."""
    network, n = subject.network, len(subject.samples.Y)
    name, rows = name_with_sizes(subject.estimator, network.layer_sizes), f"{n} row{'s' * (n > 1)}"
    return f"{name}: {rows}, loss {network.loss.name}"


def layers_in_words(subject: Subject) -> tuple[str, ...]:
    """Return what each layer is."""
    network = subject.network
    links = [*(sigma_of(sigma) for sigma in network.activations), network.loss.link]
    pairs = zip(network.layer_sizes, network.layer_sizes[1:], links, strict=False)
    return tuple(f"{l}: {n_in} → {n}, {link.name}" for l, (n_in, n, link) in enumerate(pairs, 1))


# ---- the recorded epochs -------------------------------------------------------------------------


class ChosenRecord(NamedTuple):
    """E epochs of a fit."""

    epochs: NDArray[np.intp]  # (E,), -1 is the start
    thetas: Array  # (E, n_parameters)
    ratio: Array  # (E, L): ‖ΔWˡ‖ / ‖Wˡ‖ of an update
    fitted: int  # the row of the fitted parameters


def chosen_record(subject: Subject, epochs: Any) -> ChosenRecord:
    """Return the epochs to look at; without recorded parameters the fitted ones only."""
    own, network = subject.estimator, subject.network
    theta = network.theta.copy()
    if not has_record(own):
        check_epochs(epochs, np.array([fitted_epoch(own)]))
        unknown = np.full((1, len(network.W)), np.nan)
        return ChosenRecord(np.array([fitted_epoch(own)]), theta[None], unknown, 0)
    history, recorded = own.history_, recorded_thetas(own, start=True)
    known = np.array([-1, *history["epoch"]], dtype=np.intp)
    ends = np.flatnonzero(np.diff(known, append=known[-1] + 1))  # the last step of each epoch
    best = int(np.searchsorted(known[ends], fitted_epoch(own)))  # itself, or the next recorded
    fitted = fitted_row(recorded[ends], theta, min(best, len(ends) - 1))
    places = check_epochs(epochs, known[ends])
    places = np.unique([*places, fitted])
    at = ends[places]
    thetas = recorded[at]
    thetas[np.searchsorted(places, fitted)] = theta
    before, after = recorded[np.maximum(at - 1, 0)], recorded[at]
    ratio = change_ratios(before, after, network.layer_sizes) / updates_between(own, at)[:, None]
    chosen, row = known[at], int(np.searchsorted(places, fitted))
    chosen[row] = min(chosen[row], fitted_epoch(own))  # where θ's own epoch was thinned out
    return ChosenRecord(chosen, thetas, ratio, row)


def fitted_epoch(estimator: Any) -> int:
    """Return the epoch of the fitted parameters: the last, or the best of the validation data."""
    held = getattr(estimator, "validation_loss_curve_", ())
    n = len(estimator.loss_curve_)
    return int(estimator.best_iter_) if len(held) == n else n - 1


def fitted_row(recorded: Array, theta: Array, other: int) -> int:
    """Return the last row that is the fitted θ; another if none is, as where θ is a mean."""
    for k in range(len(recorded) - 1, -1, -1):
        if np.allclose(recorded[k], theta, rtol=1e-6, atol=1e-12):
            return k
    return other


def check_epochs(epochs: Any, known: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the places of the epochs that the user chooses."""
    if isinstance(epochs, str):
        if epochs not in {"auto", "all"}:
            raise ValueError(f"epochs must be 'auto', 'all' or numbers of epochs; got {epochs!r}.")
        n = len(known) if epochs == "all" else min(len(known), MOST_EPOCHS + 1)
        return np.unique(np.linspace(0, len(known) - 1, n).round().astype(np.intp))
    chosen = np.atleast_1d(np.asarray(epochs))
    if chosen.dtype.kind not in "iu" or chosen.ndim != 1 or not chosen.size:
        raise ValueError(f"epochs must be 'auto', 'all' or numbers of epochs; got {epochs!r}.")
    if (missing := np.setdiff1d(chosen, known)).size:
        raise ValueError(
            f"epochs={epochs!r}: there are no parameters of epoch {missing[0]}, only of "
            f"{known[0]}{f' to {known[-1]}' if len(known) > 1 else ''}. record='epoch' keeps those "
            "of every epoch; -1 is the start."
        )
    return np.flatnonzero(np.isin(known, chosen))


def change_ratios(before: Array, after: Array, layer_sizes: tuple[int, ...]) -> Array:
    """Return ‖ΔWˡ‖ / ‖Wˡ‖, (E, L), with W after the change."""
    table = np.empty((len(after), len(layer_sizes) - 1))
    for k, (old, new) in enumerate(zip(before, after, strict=True)):
        changes, weights = split(new - old, layer_sizes)[0], split(new, layer_sizes)[0]
        for l, (change, W) in enumerate(zip(changes, weights, strict=True)):
            size, total = np.linalg.norm(change), np.linalg.norm(W)
            table[k, l] = size / total if total else np.nan
    return table


def updates_between(estimator: Any, places: NDArray[np.intp]) -> Array:
    """Return the number of updates from each record to the one before it; NaN at the start."""
    history, steps = estimator.history_, np.ones(len(places))
    if "step" in history:
        counted = np.array([-1, *history["step"]], dtype=float)
        steps = counted[places] - counted[np.maximum(places - 1, 0)]
    elif estimator.batch_size is not None and solver_of(estimator.solver).has_updates:
        if estimator.n_iter_ == 1 and len(history["epoch"]) > 1:  # the blocks of partial_fit
            return np.full(len(places), np.nan)
        epoch = np.array([-1, *history["epoch"]], dtype=float)
        n_epochs = epoch[places] - epoch[np.maximum(places - 1, 0)]
        per_epoch = -(-estimator._training_state["n_rows"] // int(estimator.batch_size))
        steps = n_epochs * max(per_epoch, 1)
    return np.where(places > 0, steps, np.nan)
