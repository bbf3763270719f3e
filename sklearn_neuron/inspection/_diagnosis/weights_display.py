"""Visualization of the weights and biases of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_neuron._estimator.base import NetworkEstimator
from sklearn_neuron._estimator.constraints import Number
from sklearn_neuron._extras import require
from sklearn_neuron._typing import Array
from sklearn_neuron.inspection._at import at
from sklearn_neuron.inspection._diagnosis.panels import ink_of, panels_for
from sklearn_neuron.inspection._subject import (
    check_image_shape,
    fitted_layer_sizes,
    has_record,
    layer_names,
    layout_of,
    name_with_sizes,
    theta_of,
    unwrap,
)
from sklearn_neuron.network import split

FEW_WEIGHTS = 12  # as many are drawn as points, more as a distribution
GAP = 1  # pixels between images


class WeightsDisplay:
    """Weights visualization: their distribution in each layer, and those of layer 1 as images.

    Parameters
    ----------
    weights : list of ndarray of shape (n_in, n_out)
        Wˡ of every layer.
    biases : list of ndarray of shape (n_out,)
        Biases bˡ of every layer.
    start : tuple of (weights, biases) or None, default=None
        The same at the start of training.
    names : tuple of (list of str, list of str) or None, default=None
        The names of all W and b. If None, ``W1``, ``b1`` and so on.
    image_shape : tuple of (int, int) or None, default=None
        Height and width of the images that rows are. If None, there are no images.
    max_images : int, default=64
        Number of units of the first layer that are drawn as images, those of the largest norm.
    title : str, default=""
        Title of the figure.

    Attributes
    ----------
    axes_ : dict of matplotlib Axes
        The panels: by the name of W of each layer, and ``"images"``.
    lines_ : dict of list of matplotlib artists
        What is drawn in the panel of each layer: weights, biases, weights at the start.
    image_ : matplotlib AxesImage or None
        The weights of the first layer, an image for each unit.
    units_ : ndarray of int or None
        Which units these are, in the order of the images, row by row.
    ax_, figure_ : matplotlib Axes and Figure
        The first panel and the figure.

    See Also
    --------
    NetworkDisplay : The weights as edges between the units.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_neuron import ManualMLPClassifier
    >>> from sklearn_neuron.inspection import WeightsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> network = ManualMLPClassifier((16,), max_iter=5, tol=None, random_state=0)
    >>> display = WeightsDisplay.from_estimator(network.fit(X / 16, y), image_shape=(8, 8))
    >>> list(display.axes_), len(display.units_)
    (['W1', 'W2', 'images'], 16)
    """

    def __init__(
        self,
        *,
        weights: Sequence[Array],
        biases: Sequence[Array],
        start: tuple[Sequence[Array], Sequence[Array]] | None = None,
        names: tuple[Sequence[str], Sequence[str]] | None = None,
        image_shape: tuple[int, int] | None = None,
        max_images: int = 64,
        title: str = "",
    ) -> None:
        self.weights = weights
        self.biases = biases
        self.start = start
        self.names = names
        self.image_shape = image_shape
        self.max_images = max_images
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        epoch: int | None = None,
        image_shape: tuple[int, int] | None = None,
        max_images: int = 64,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Plot the weights and biases of a fitted estimator.

        Parameters
        ----------
        estimator : estimator of this package or Pipeline whose last step is one
            Fitted estimator. If it was fitted with ``record="epoch"`` or ``record="step"``, the
            weights at the start are drawn, too.
        epoch : int or None, default=None
            The recorded epoch, counted from 0, after which the weights are shown; -1 is the start.
            If None, the fitted ones.
        image_shape : tuple of (int, int) or None, default=None
            Height and width of the images that rows are (as the estimator itself sees them), to
            draw the weights of each unit of the first layer as an image: positive ones are light,
            negative ones dark.
        max_images : int, default=64
            Largest number of images; the units of the largest norm are drawn.
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes object to divide into panels, or one for each panel. If None, a new figure is
            created.
        **kwargs : dict
            Keyword arguments to be passed to matplotlib's ``plot`` for the distributions of W.

        Returns
        -------
        WeightsDisplay
            Object that stores the computed values.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If the epoch was not recorded, or ``image_shape`` is not that of the features.
        ImportError
            If matplotlib is not installed; the extra ``plot`` installs it.
        """
        require("matplotlib", cls.__name__)
        Number(1, integer=True).check(cls.__name__, "max_images", max_images)
        own = unwrap(estimator)
        check_is_fitted(own)
        sizes = fitted_layer_sizes(own)
        start = split(theta_of(own, own.start_).astype(float), sizes) if has_record(own) else None
        shown = own if epoch is None else at(own, epoch=epoch)
        weights, biases = split(fitted_theta(shown), sizes)
        when = "" if epoch is None else ", start" if epoch < 0 else f", epoch {epoch}"
        display = cls(
            weights=weights,
            biases=biases,
            start=None if epoch == -1 else start,
            names=layer_names(own, len(weights)),
            image_shape=check_image_shape(image_shape, sizes[0]),
            max_images=max_images,
            title=name_with_sizes(own, sizes) + when,
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Plot visualization.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes object to divide into panels, or one for each panel. If None, a new figure is
            created.
        **kwargs : dict
            Keyword arguments to be passed to matplotlib's ``plot`` for the distributions of W.

        Returns
        -------
        WeightsDisplay
            Object that stores the computed values.
        """
        L, user = len(self.weights), type(self).__name__
        numbers = range(1, L + 1)
        given = ([f"W{l}" for l in numbers], [f"b{l}" for l in numbers])
        names, biases = given if self.names is None else self.names
        has_images = self.image_shape is not None
        self.figure_, axes = panels_for(ax, L + has_images, user, columns=3)
        self.axes_ = dict(zip([*names, "images"][: len(axes)], axes, strict=True))
        self.ax_ = axes[0]
        self.lines_ = {
            name: self._layer(l, (name, biases[l]), self.axes_[name], kwargs)
            for l, name in enumerate(names)
        }
        self.image_: Any = None
        self.units_: Any = None
        if has_images:
            self._images(self.axes_["images"], names[0])
        if ax is None and self.title:
            self.figure_.suptitle(self.title, fontsize="medium")
        return self

    def _layer(
        self, l: int, names: tuple[str, str], panel: Any, kwargs: dict[str, Any]
    ) -> list[Any]:
        """Draw the distributions of one layer; return the artists."""
        W, b, ink = np.ravel(self.weights[l]), np.ravel(self.biases[l]), ink_of(panel)
        lines = []
        if self.start is not None:
            look = {"color": "0.55", "ls": "--", "label": "at the start"}
            lines.append(distribution(panel, np.ravel(self.start[0][l]), **look))
        own = {"color": "#0072B2", "lw": 2, "label": names[0], **kwargs}
        lines.insert(0, distribution(panel, W, **own))
        # biases are few: a mark each, below the curve
        places = {"transform": panel.get_xaxis_transform(), "clip_on": False}
        marks = {"ls": "none", "marker": "|", "ms": 9, "color": "#D55E00", "label": names[1]}
        lines[1:1] = panel.plot(b, np.full(len(b), 0.03), **places, **marks)
        panel.axvline(0.0, color=ink, lw=0.6, zorder=0)
        title = f"{names[0]}: {W.size} weights, ‖W‖ = {np.linalg.norm(W):.3g}"
        panel.set_title(title, fontsize="medium")
        panel.margins(x=0.08, y=0.0)
        panel.set_ylim(0.0, 1.5 * panel.get_ylim()[1])  # room for the legend
        panel.set_yticks([])
        panel.legend(fontsize="small", loc="upper left", ncols=2)
        return lines

    def _images(self, panel: Any, name: str) -> None:
        """Draw the weights of each unit of the first layer as an image, side by side."""
        assert self.image_shape is not None  # there is a panel for it
        W, (height, width) = self.weights[0], self.image_shape
        largest = np.argsort(-np.linalg.norm(W, axis=0), kind="stable")[: self.max_images]
        self.units_ = np.sort(largest)
        # as wide as high
        columns = int(np.ceil(np.sqrt(len(self.units_) * height / width)))
        rows = -(-len(self.units_) // columns)
        tiles = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP), np.nan)
        for k, unit in enumerate(self.units_):
            top, left = (k // columns) * (height + GAP), (k % columns) * (width + GAP)
            tiles[top : top + height, left : left + width] = W[:, unit].reshape(height, width)
        most = float(np.abs(W[:, self.units_]).max()) or 1.0
        self.image_ = panel.imshow(tiles, cmap="cividis", vmin=-most, vmax=most)
        self.figure_.colorbar(self.image_, ax=panel, shrink=0.8)
        n = W.shape[1]
        which = f"{len(self.units_)} of {n}" if len(self.units_) < n else f"{n}"
        panel.set_title(f"{name}: {which} unit{'s' if n > 1 else ''}", fontsize="medium")
        panel.set_axis_off()


def fitted_theta(estimator: NetworkEstimator) -> Array:
    """Return the fitted parameters as one vector θ."""
    W, b = layout_of(estimator).names
    named = {W: vars(estimator)[f"{W}_"], b: vars(estimator)[f"{b}_"]}
    return theta_of(estimator, named).astype(float)


def distribution(panel: Any, values: Array, **look: Any) -> Any:
    """Draw a histogram as a line, or a mark for each of a few values; return the line."""
    values = values[np.isfinite(values)]
    if len(values) <= FEW_WEIGHTS or np.ptp(values) == 0.0:
        look = {**look, "ls": "none", "marker": "o"}
        return panel.plot(values, np.full(len(values), 0.5), **look)[0]
    n_bins = int(np.clip(2.0 * len(values) ** (1.0 / 3.0), 8, 80))  # Rice's rule
    density, edges = np.histogram(values, bins=n_bins, density=True)
    x, y = np.repeat(edges, 2), np.concatenate([[0.0], np.repeat(density, 2), [0.0]])
    return panel.plot(x, y, **look)[0]
