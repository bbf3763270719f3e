"""Visualization of the hardest rows: what the network makes of them, and what would change that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from sklearn_neuron._engine.batches import Block
from sklearn_neuron._engine.epochs import gradient
from sklearn_neuron._estimator.constraints import Number
from sklearn_neuron._extras import require
from sklearn_neuron._typing import Array
from sklearn_neuron.inspection._diagnosis.panels import (
    ink_of,
    panels_for,
)
from sklearn_neuron.inspection._diagrams.diagram import named_inputs
from sklearn_neuron.inspection._extras import ink_on
from sklearn_neuron.inspection._subject import Subject, check_image_shape, subject_of, unwrap

MOST_BARS = 8  # features of a row that are drawn as bars
SIGNED, MOST_SIGNED = 5, 144  # pixels that get a sign, and pixels of an image that has them
LONGEST_NAME, LONGEST_CLASS = 22, 16  # of a feature, and of a class in a title


class RowMeasures(NamedTuple):
    """m rows, p features, K outputs."""

    loss: Array  # (m,)
    length: Array  # (m,): ‖∇θ ℓᵢ‖
    saliency: Array  # (m, p): ∂ℓᵢ/∂x
    z: Array  # (m, K)


class RowsDisplay:
    """Rows visualization: the hardest rows, with their loss, gradient and saliency.

    Parameters
    ----------
    rows : ndarray of shape (n_rows,)
        The numbers of the rows in X.
    x : ndarray of shape (n_rows, n_features)
        The rows, as the network sees them.
    saliency : ndarray of shape (n_rows, n_features)
        ∂ℓ/∂x.
    loss : ndarray of shape (n_rows,)
        Losses ℓ, without the penalty.
    length : ndarray of shape (n_rows,)
        ‖∇θ ℓ‖, over all weights and biases.
    true, predicted : sequence of length n_rows
        The target of each row, and what is predicted.
    image_shape : tuple of (int, int) or None, default=None
        Height and width of the images that rows are. If None, bars are drawn.
    feature_names : sequence of str or None, default=None
        Names of the features.

    Attributes
    ----------
    axes_ : list of matplotlib Axes
        A panel for each row.
    artists_ : list of matplotlib AxesImage or BarContainer
        The saliency of each row.
    ax_, figure_ : matplotlib Axes and Figure
        The first panel and the figure.

    See Also
    --------
    diagnose : Says which rows are hardest, and what goes wrong in training.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_neuron import ManualMLPClassifier
    >>> from sklearn_neuron.inspection import RowsDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> network = ManualMLPClassifier((8,), max_iter=50, tol=None, random_state=0).fit(X, y)
    >>> display = RowsDisplay.from_estimator(network, X, y, n_rows=3)
    >>> display.saliency.shape, bool(display.loss[0] >= display.loss[1])
    ((3, 4), True)
    """

    def __init__(
        self,
        *,
        rows: NDArray[np.intp],
        x: Array,
        saliency: Array,
        loss: Array,
        length: Array,
        true: Sequence[Any],
        predicted: Sequence[Any],
        image_shape: tuple[int, int] | None = None,
        feature_names: Sequence[str] | None = None,
    ) -> None:
        self.rows = rows
        self.x = x
        self.saliency = saliency
        self.loss = loss
        self.length = length
        self.true = true
        self.predicted = predicted
        self.image_shape = image_shape
        self.feature_names = feature_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        image_shape: tuple[int, int] | None = None,
        n_rows: int = 12,
        rows: ArrayLike | None = None,
        feature_names: Sequence[str] | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Find the hardest rows of a fitted estimator and plot them.

        Parameters
        ----------
        estimator : estimator of this package or Pipeline whose last step is one
            Fitted estimator. Of a pipeline, the rows are the transformed ones.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights; samples of zero weight are left out.
        image_shape : tuple of (int, int) or None, default=None
            Height and width of the images that rows are. The row is drawn in grey, and where a
            larger value would raise the loss in red, where it would lower it in blue; small images
            have a sign on the five strongest pixels. If None, the eight features with the largest
            saliency are drawn as bars.
        n_rows : int, default=12
            Number of rows, those of the largest loss.
        rows : array-like of int or None, default=None
            The numbers of the rows of X that are shown, in this order, instead of the hardest.
        feature_names : sequence of str or None, default=None
            Names of the features. If None, those that the estimator was fitted with, or that the
            steps before it in a pipeline give them, or ``x[0]``, ``x[1]`` and so on.
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes object to divide into panels, or one for each row. If None, a new figure is
            created.
        **kwargs : dict
            Keyword arguments to be passed to matplotlib's ``imshow`` or ``barh`` for the saliency.

        Returns
        -------
        RowsDisplay
            Object that stores the computed values.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If ``image_shape`` is not that of the features, if there are not as many names as
            features, if ``rows`` are not numbers of rows whose weight is not zero, or if ``fit``
            would not accept the data.
        ImportError
            If matplotlib is not installed; the extra ``plot`` installs it.

        Notes
        -----
        The saliency is the derivative of the loss with respect to the row, one step of
        backpropagation further than ∂W: ∂ℓ/∂x = δ¹ (W¹)ᵀ [1]_.

        References
        ----------
        .. [1] K. Simonyan, A. Vedaldi, A. Zisserman (2014). Deep inside convolutional networks:
           visualising image classification models and saliency maps. ICLR Workshop.
           https://arxiv.org/abs/1312.6034
        """
        require("matplotlib", cls.__name__)
        Number(1, integer=True).check(cls.__name__, "n_rows", n_rows)
        own = unwrap(estimator)
        check_is_fitted(own)
        subject = subject_of(estimator, X, y, sample_weight)
        n_features = subject.network.layer_sizes[0]
        shape = check_image_shape(image_shape, n_features)
        names = named_inputs(estimator, X, n_features, feature_names)
        with np.errstate(all="ignore"):
            shown = subject.take(
                np.argsort(-row_losses(subject), kind="stable")[:n_rows]
                if rows is None
                else places_of_rows(rows, subject.rows)
            )
            found = measure_rows(shown)
        x = shown.samples.X
        display = cls(
            rows=shown.rows,
            x=x if isinstance(x, np.ndarray) else x.toarray(),
            saliency=found.saliency,
            loss=found.loss,
            length=found.length,
            true=targets_in_words(y, shown.rows),
            predicted=predictions_in_words(own, found.z),
            image_shape=shape,
            feature_names=names,
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Plot visualization.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes object to divide into panels, or one for each row. If None, a new figure is
            created.
        **kwargs : dict
            Keyword arguments to be passed to matplotlib's ``imshow`` or ``barh`` for the saliency.

        Returns
        -------
        RowsDisplay
            Object that stores the computed values.
        """
        size = (3.0, 2.4) if self.image_shape is None else (2.0, 2.5)
        columns = 3 if self.image_shape is None else 6
        user = type(self).__name__
        self.figure_, self.axes_ = panels_for(ax, len(self.rows), user, columns=columns, size=size)
        self.ax_ = self.axes_[0]
        draw = self._bars if self.image_shape is None else self._image
        self.artists_ = [draw(k, panel, kwargs) for k, panel in enumerate(self.axes_)]
        for k, panel in enumerate(self.axes_):
            true, predicted = self.true[k], self.predicted[k]
            panel.set_title(
                f"row {self.rows[k]}: {_brief(true)}, not {_brief(predicted)}\n"
                if true != predicted
                else f"row {self.rows[k]}: {_brief(true)}\n",
                fontsize="small",
                pad=2,
            )
            text = f"ℓ {self.loss[k]:.3g}, ‖∇ℓ‖ {self.length[k]:.3g}"
            panel.set_title(f"{panel.get_title()}{text}", fontsize="small")
        return self

    def _image(self, k: int, panel: Any, kwargs: dict[str, Any]) -> Any:
        """Draw a row as an image in grey, and its saliency in colors that let it shine through."""
        assert self.image_shape is not None
        x, saliency = (np.reshape(part[k], self.image_shape) for part in (self.x, self.saliency))
        low, high = x.min(), x.max()
        below = panel.imshow(x, cmap="gray_r", vmin=low, vmax=2.0 * high - low)  # at most grey
        most = float(np.abs(saliency).max()) or 1.0
        look = {"cmap": "RdBu_r", "vmin": -most, "vmax": most, **kwargs}
        look.setdefault("alpha", 0.9 * np.abs(saliency) / most)
        artist = panel.imshow(saliency, **look)
        if saliency.size <= MOST_SIGNED and saliency.any():
            self._signs(panel, saliency, (below, artist))
        panel.set_xticks([])
        panel.set_yticks([])
        return artist

    def _signs(self, panel: Any, saliency: Array, images: tuple[Any, Any]) -> None:
        """Write the sign of the strongest pixels, which grey does not show."""
        grey, colored = (image.to_rgba(image.get_array()) for image in images)
        for place in np.argsort(-np.abs(saliency), axis=None)[:SIGNED]:
            row, column = np.unravel_index(place, saliency.shape)
            alpha = float(np.broadcast_to(images[1].get_alpha(), saliency.shape)[row, column])
            ink = ink_on(alpha * colored[row, column] + (1.0 - alpha) * grey[row, column])
            sign = "+" if saliency[row, column] > 0.0 else "−"
            panel.text(column, row, sign, ha="center", va="center", color=ink, size="small")

    def _bars(self, k: int, panel: Any, kwargs: dict[str, Any]) -> Any:
        """Draw the features with the largest saliency as bars, with their values."""
        largest = np.argsort(-np.abs(self.saliency[k]), kind="stable")[:MOST_BARS][::-1]
        names = self.feature_names or [f"x[{j}]" for j in range(self.x.shape[1])]
        values = self.saliency[k][largest]
        look = {"color": np.where(values > 0.0, "#D55E00", "#0072B2"), **kwargs}
        bars = panel.barh(np.arange(len(largest)), values, **look)
        short = [f"{n[: LONGEST_NAME - 1]}…" if len(n) > LONGEST_NAME else n for n in names]
        labels = [f"{short[j]} = {self.x[k, j]:.3g}" for j in largest]
        panel.set_yticks(np.arange(len(largest)), labels, fontsize="small")
        panel.axvline(0.0, color=ink_of(panel), lw=0.6)
        panel.set_xlabel("∂ℓ/∂x", fontsize="small")
        panel.tick_params(axis="x", labelsize="small")
        panel.locator_params(axis="x", nbins=2)
        return bars


def places_of_rows(rows: ArrayLike, known: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return where the rows that the user chooses stand among those of a subject."""
    chosen = np.atleast_1d(np.asarray(rows))
    if chosen.dtype.kind not in "iu" or chosen.ndim != 1 or not np.isin(chosen, known).all():
        raise ValueError(
            f"rows must be numbers of rows of X from {known[0]} to {known[-1]} whose weight is not "
            f"zero; got {rows!r}."
        )
    return np.searchsorted(known, chosen)


def row_losses(subject: Subject) -> Array:
    """Return the loss of each row, without its weight, block by block."""
    network = subject.network
    losses = []
    for block in subject.blocks:
        network.forward(block.X, block.space, block.z)
        losses.append(network.loss.value(block.Y, block.z))
    return np.concatenate(losses)


def measure_rows(subject: Subject) -> RowMeasures:
    """Return loss, length of the gradient and saliency of each row, without its weight.

    ‖∇θ ℓᵢ‖² = Σₗ ‖δᵢˡ‖² (‖aᵢˡ⁻¹‖² + 1), as ∂Wˡ of one row is the outer product of a and δ.
    """
    network = subject.network
    parts: list[tuple[Array, ...]] = []

    def note(block: Block) -> None:
        deltas = [*(layer.delta for layer in block.space.hidden), block.space.delta]
        squares = np.zeros(len(block.z))
        for l, delta in enumerate(deltas):
            a = block.X if l == 0 else block.space.hidden[l - 1].a
            square = a * a if isinstance(a, np.ndarray) else a.power(2)
            bias = 1.0 if l < len(deltas) - 1 or network.fit_intercept else 0.0
            size = np.ravel(square.sum(axis=1)) + bias
            squares += size * np.square(delta / block.share).sum(axis=1)
        saliency = deltas[0] / block.share @ network.W[0].T
        loss = network.loss.value(block.Y, block.z)
        parts.append((loss, np.sqrt(squares), saliency, block.z.copy()))

    gradient(network, subject.blocks, note)
    return RowMeasures(*map(np.concatenate, zip(*parts, strict=True)))


def targets_in_words(y: Any, rows: NDArray[np.intp]) -> list[str]:
    """Return the targets of some rows as text."""
    if hasattr(y, "toarray"):
        y = y.toarray()
    return [value_in_words(value) for value in np.asarray(y)[rows]]


def predictions_in_words(estimator: Any, z: Array) -> list[str]:
    """Return what an estimator predicts, given z^L."""
    targets = estimator._targets.fitted(vars(estimator))
    return [value_in_words(value) for value in targets.predict(z.copy())]


def value_in_words(value: Any) -> str:
    """Return a class, a number or several of them."""
    if np.size(value) == 1:
        value = np.ravel(value)[0]  # y may be a column
    elif np.ndim(value):
        return f"({', '.join(map(value_in_words, np.ravel(value)))})"
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    return str(value)


def _brief(value: Any) -> str:
    """Return a name that is short enough for a title; several values are left as they are."""
    text = str(value)
    return text if len(text) <= LONGEST_CLASS or text[0] == "(" else f"{text[: LONGEST_CLASS - 1]}…"
