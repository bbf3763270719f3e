"""Visualization of the loss surface over two parameters, or on the plane of a path."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_neuron._estimator.constraints import Choice, Number
from sklearn_neuron._extras import require
from sklearn_neuron._typing import Array, PlotMethod, RandomState
from sklearn_neuron.inspection._extras import axes_for, line_kwargs
from sklearn_neuron.inspection._plane import Plane, loss_at, plane_of
from sklearn_neuron.inspection._subject import Subject, subject_of, unwrap

METHOD = Choice(("contourf", "contour", "pcolormesh"))
Range = tuple[float, float]
#: Ratio of the largest to the smallest loss from which colors are logarithmic.
LOGARITHMIC = 20.0
LEVELS = 25
#: Points of a network's path from which they are not marked.
CROWDED = 100
#: Points of the grid for each parameter: as many as are usual, or fewer so that samples times
#: parameters times points stay below this number.
USUAL_POINTS, FEWEST_POINTS, MOST_WORK = 60, 15, 3e10


class LossSurfaceDisplay:
    """Loss surface visualization: the objective over two parameters, with the path of training.

    For a network, which has more than two, it is drawn on the plane in which training has moved
    most.

    Parameters
    ----------
    xx0, xx1 : ndarray of shape (grid_resolution, grid_resolution)
        Values of the two parameters, or coordinates on the plane.
    loss : ndarray of shape (grid_resolution, grid_resolution)
        The objective at these values.
    path : ndarray of shape (n_points, 2)
        The two parameters from the start to the end of training, or the path's projection on the
        plane; a single point if no parameters were recorded or others have moved, too.
    parameters : tuple of str
        Names of the two parameters or directions.
    title : str, default=""
        What else has to be known: how much of the path the plane shows, and how far its losses are
        from the true ones.
    logarithmic : bool, default=False
        Whether colors are logarithmic in the loss.

    Attributes
    ----------
    surface_ : matplotlib QuadContourSet or QuadMesh
        Loss surface.
    path_ : matplotlib Line2D
        Path of training.
    colorbar_ : matplotlib Colorbar
        Color bar of the loss.
    ax_, figure_ : matplotlib Axes and Figure
        Axes and figure with the loss surface.

    See Also
    --------
    LossCurveDisplay : The loss of each epoch.
    LearningRateRangeDisplay : The loss against the learning rate.

    Examples
    --------
    >>> from sklearn_neuron import SigmoidNeuronRegressor
    >>> from sklearn_neuron.inspection import LossSurfaceDisplay
    >>> X, y = [[-1.0], [0.0], [2.0]], [0.2, 0.5, 0.7]
    >>> neuron = SigmoidNeuronRegressor(max_iter=20, tol=None, record="epoch").fit(X, y)
    >>> display = LossSurfaceDisplay.from_estimator(neuron, X, y, grid_resolution=20)
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel(), display.path.shape
    ('w', 'b', (21, 2))
    """

    def __init__(
        self,
        *,
        xx0: NDArray[Any],
        xx1: NDArray[Any],
        loss: NDArray[Any],
        path: NDArray[Any],
        parameters: tuple[str, str],
        title: str = "",
        logarithmic: bool = False,
    ) -> None:
        self.xx0 = xx0
        self.xx1 = xx1
        self.loss = loss
        self.path = path
        self.parameters = parameters
        self.title = title
        self.logarithmic = logarithmic

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        directions: Any = None,
        ranges: tuple[Range, Range] | None = None,
        grid_resolution: int | None = None,
        max_rows: int | None = 500,
        random_state: RandomState = 0,
        plot_method: PlotMethod = "contourf",
        path_kwargs: dict[str, Any] | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Compute and plot the loss surface of a fitted estimator.

        Parameters
        ----------
        estimator : estimator of this package or Pipeline whose last step is one
            Fitted estimator. With ``record="epoch"`` or ``record="step"`` the whole path is
            plotted, otherwise only its end.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data on which the objective is evaluated.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.
        directions : {"pca", "random"} or tuple of two str, default=None
            The plane of the surface. ``"pca"`` is spanned by the two principal directions of the
            recorded path; ``"random"`` by two random directions, in which the weights of each unit
            are scaled to the norm of its own [1]_; two names of parameters, as in ``journal``, are
            varied while all others stay at their fitted values. If None, the first weight and the
            first bias of a neuron; for a network "pca" if its path was recorded, else "random".
        ranges : tuple of two (low, high), default=None
            Ranges of the two parameters, or of the coordinates on the plane. If None, the range of
            the path with a margin.
        grid_resolution : int, default=None
            Number of grid points for each parameter; the objective is evaluated
            ``grid_resolution ** 2`` times. If None, 60, or fewer (at least 15) for large networks,
            so that it takes a few seconds.
        max_rows : int or None, default=500
            Maximum number of samples on which the objective is evaluated, drawn at random; for
            an estimator of two parameters all samples are used. ``None`` uses all of them.
        random_state : int, RandomState instance or None, default=0
            Determines the samples, and the random directions.
        plot_method : {"contourf", "contour", "pcolormesh"}, default="contourf"
            Plotting method to call when plotting the surface.
        path_kwargs : dict, default=None
            Keyword arguments to be passed to matplotlib's ``plot`` for the path.
        ax : matplotlib Axes, default=None
            Axes object to plot on. If None, a new figure and axes is created.
        **kwargs : dict
            Keyword arguments to be passed to the ``plot_method``.

        Returns
        -------
        LossSurfaceDisplay
            Object that stores the computed values.

        Raises
        ------
        ValueError
            If a parameter does not exist, if "pca" is asked for where no path was recorded, if
            the grid has fewer than two points per parameter, or if ``fit`` would not accept the
            data.
        ImportError
            If matplotlib is not installed; the extra ``plot`` installs it.

        References
        ----------
        .. [1] H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein (2018). Visualizing the loss
           landscape of neural nets. NeurIPS 31. https://doi.org/10.48550/arXiv.1712.09913
        """
        Number(2, integer=True, none="as many as are quick").check(
            cls.__name__, "grid_resolution", grid_resolution
        )
        METHOD.check(cls.__name__, "plot_method", plot_method)
        require("matplotlib", cls.__name__)
        check_is_fitted(unwrap(estimator))
        Number(1, integer=True, none="all samples").check(cls.__name__, "max_rows", max_rows)
        subject = subject_of(estimator, X, y, sample_weight)
        n, rng = len(subject.samples.Y), check_random_state(random_state)
        if max_rows is not None and n > max_rows and len(subject.network.theta) > 2:
            subject = subject.take(np.sort(rng.choice(n, max_rows, replace=False)))
        plane = plane_of(subject, directions, rng)
        if grid_resolution is None:
            work = len(subject.samples.Y) * len(subject.network.theta)
            grid_resolution = int(min(max((MOST_WORK / work) ** 0.5, FEWEST_POINTS), USUAL_POINTS))
        (low0, high0), (low1, high1) = _check_ranges(_ranges(plane) if ranges is None else ranges)
        xx0, xx1 = np.meshgrid(
            np.linspace(low0, high0, grid_resolution), np.linspace(low1, high1, grid_resolution)
        )
        loss = measure(subject, plane, xx0, xx1)
        low, high = np.nanmin(loss), np.nanmax(loss)
        display = cls(
            xx0=xx0,
            xx1=xx1,
            loss=loss,
            path=plane.path,
            parameters=plane.labels,
            title=plane.title,
            logarithmic=bool(0.0 < LOGARITHMIC * low < high < np.inf and plane.title),
        )
        return display.plot(ax, plot_method=plot_method, path_kwargs=path_kwargs, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        plot_method: PlotMethod = "contourf",
        path_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Plot visualization.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes object to plot on. If None, a new figure and axes is created.
        plot_method : {"contourf", "contour", "pcolormesh"}, default="contourf"
            Plotting method to call when plotting the surface.
        path_kwargs : dict, default=None
            Keyword arguments to be passed to matplotlib's ``plot`` for the path.
        **kwargs : dict
            Keyword arguments to be passed to the ``plot_method``.

        Returns
        -------
        LossSurfaceDisplay
            Object that stores the computed values.
        """
        if plot_method not in {"contourf", "contour", "pcolormesh"}:
            raise ValueError(
                f"plot_method must be 'contourf', 'contour' or 'pcolormesh'; got {plot_method!r}."
            )
        self.figure_, self.ax_ = axes_for(ax, "LossSurfaceDisplay")
        draw, look = getattr(self.ax_, plot_method), {**self._colors(plot_method, kwargs), **kwargs}
        self.surface_ = draw(self.xx0, self.xx1, self.loss, **look)
        self.colorbar_ = self.figure_.colorbar(
            self.surface_, ax=self.ax_, label="loss", **self._ticks()
        )
        colour = "black" if plot_method == "contour" else "white"  # contrasts with the surface
        look = {"color": colour, "marker": ".", "markersize": 4, "linewidth": 1.2}
        look |= {"marker": ""} if self.title and len(self.path) > CROWDED else {}
        x, y = self.path.T
        (self.path_,) = self.ax_.plot(x, y, **{**look, **line_kwargs(path_kwargs)})
        if self.title and colour == "white":  # the path of a network comes from the light side
            effects = require("matplotlib.patheffects", "LossSurfaceDisplay")
            self.path_.set_path_effects([effects.withStroke(linewidth=2.6, foreground="0.25")])
        edge = {"markeredgecolor": "black", "linestyle": "none", "zorder": 3}
        if len(self.path) > 1:
            self.ax_.plot(x[0], y[0], "o", color="white", label="start", **edge)
        self.ax_.plot(x[-1], y[-1], "*", color="#E69F00", markersize=14, label="end", **edge)
        self.ax_.set(
            xlabel=self.parameters[0],
            ylabel=self.parameters[1],
            xlim=(self.xx0.min(), self.xx0.max()),
            ylim=(self.xx1.min(), self.xx1.max()),
        )
        if self.title:
            self.ax_.set_title(self.title, fontsize="small", wrap=True)
        self.ax_.legend()
        return self

    def _ticks(self) -> dict[str, Any]:
        """Return the ticks of the color bar: 1, 2, 5 of each power of ten if it is logarithmic."""
        if not self.logarithmic:
            return {}
        ticker = require("matplotlib.ticker", "LossSurfaceDisplay")
        return {"ticks": ticker.LogLocator(subs=(1.0, 2.0, 5.0)), "format": "%.3g"}

    def _colors(self, plot_method: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return how the surface is colored, unless the user says so."""
        colors: dict[str, Any] = {} if "colors" in kwargs else {"cmap": "cividis"}
        levels: dict[str, Any] = {} if plot_method == "pcolormesh" else {"levels": LEVELS}
        if self.logarithmic:
            low, high = np.nanmin(self.loss), np.nanmax(self.loss)
            norm = require("matplotlib.colors", "LossSurfaceDisplay").LogNorm(low, high)
            colors |= {} if "norm" in kwargs else {"norm": norm}
            levels = levels and {"levels": np.geomspace(low, high, LEVELS)}
        return colors | levels


def measure(subject: Subject, plane: Plane, xx0: Array, xx1: Array) -> Array:
    """Return the objective at each point of a grid on a plane."""
    loss = np.empty_like(xx0)
    with np.errstate(all="ignore"):
        for place in np.ndindex(xx0.shape):
            loss[place] = loss_at(subject, plane.point(float(xx0[place]), float(xx1[place])))
    return loss


def _check_ranges(ranges: Any) -> NDArray[np.float64]:
    """Return two pairs of numbers, the lower one first."""
    pairs = np.asarray(ranges, dtype=float)
    if pairs.shape != (2, 2) or not (
        np.isfinite(pairs).all() and (pairs[:, 0] < pairs[:, 1]).all()
    ):
        raise ValueError(f"ranges must be two pairs (low, high) with low < high; got {ranges!r}.")
    return pairs


def _ranges(plane: Plane) -> tuple[Range, Range]:
    """Return ranges that contain the path, with a margin on each side."""
    low, high = plane.path.min(axis=0), plane.path.max(axis=0)
    margin = np.maximum(0.25 * (high - low), plane.margin)
    (low0, low1), (high0, high1) = low - margin, high + margin
    return (float(low0), float(high0)), (float(low1), float(high1))
