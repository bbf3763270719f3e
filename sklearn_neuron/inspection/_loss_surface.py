"""Visualization of the loss surface over two parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from sklearn_neuron._engine.epochs import evaluate
from sklearn_neuron._estimator.constraints import Choice, Number
from sklearn_neuron._typing import Array
from sklearn_neuron.inspection._extras import axes_for, line_kwargs, require
from sklearn_neuron.inspection._subject import (
    Subject,
    layout_of,
    parameter_names,
    recorded_thetas,
    subject_of,
    unwrap,
)

METHOD = Choice(("contourf", "contour", "pcolormesh"))
Range = tuple[float, float]


class LossSurfaceDisplay:
    """Loss surface visualization: the objective over two parameters, with the path of training.

    Parameters
    ----------
    xx0, xx1 : ndarray of shape (grid_resolution, grid_resolution)
        Values of the two parameters.
    loss : ndarray of shape (grid_resolution, grid_resolution)
        The objective at these values.
    path : ndarray of shape (n_points, 2)
        The two parameters from the start to the end of training; a single point if no parameters
        were recorded.
    parameters : tuple of str
        Names of the two parameters.

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
    ) -> None:
        self.xx0 = xx0
        self.xx1 = xx1
        self.loss = loss
        self.path = path
        self.parameters = parameters

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        parameters: tuple[str, str] | None = None,
        ranges: tuple[Range, Range] | None = None,
        grid_resolution: int = 60,
        plot_method: str = "contourf",
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
        parameters : tuple of two str, default=None
            Names of the two parameters to vary, as in ``journal``. If None, the first weight and
            the first bias are used. All other parameters are fixed at their fitted values.
        ranges : tuple of two (low, high), default=None
            Ranges of the two parameters. If None, the range of the path with a margin.
        grid_resolution : int, default=60
            Number of grid points for each parameter; the objective is evaluated
            ``grid_resolution ** 2`` times.
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
            If a parameter does not exist, if the grid has fewer than two points per parameter,
            or if ``fit`` would not accept the data.
        ImportError
            If matplotlib is not installed; the extra ``plot`` installs it.
        """
        Number(2, integer=True).check(cls.__name__, "grid_resolution", grid_resolution)
        METHOD.check(cls.__name__, "plot_method", plot_method)
        require("matplotlib", cls.__name__)
        check_is_fitted(unwrap(estimator))
        subject = subject_of(estimator, X, y, sample_weight)
        fitted = unwrap(estimator)
        names = parameter_names(subject.estimator, subject.network.layer_sizes)
        if parameters is None:
            weights = [name for name in names if not name.startswith("b")]
            others = names[len(weights) :] if subject.network.fit_intercept else weights[1:]
            if not others:
                raise ValueError("A surface needs two parameters, but the neuron has one weight.")
            parameters = (names[0], others[0])
        if isinstance(parameters, str) or len(set(parameters)) != 2:
            raise ValueError(f"parameters must be two different names; got {parameters!r}.")
        chosen = [_place(names, name) for name in parameters]
        recorded = layout_of(fitted).names[0] in fitted.history_
        theta = recorded_thetas(fitted, start=True) if recorded else subject.network.theta[None]
        path = np.asarray(theta[:, chosen], dtype=np.float64)
        (low0, high0), (low1, high1) = _check_ranges(_ranges(path) if ranges is None else ranges)
        xx0, xx1 = np.meshgrid(
            np.linspace(low0, high0, grid_resolution), np.linspace(low1, high1, grid_resolution)
        )
        loss = measure(subject, chosen, xx0, xx1)
        display = cls(xx0=xx0, xx1=xx1, loss=loss, path=path, parameters=parameters)
        return display.plot(ax, plot_method=plot_method, path_kwargs=path_kwargs, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        plot_method: str = "contourf",
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
        defaults: dict[str, Any] = {} if "colors" in kwargs else {"cmap": "cividis"}
        defaults |= {} if plot_method == "pcolormesh" else {"levels": 25}
        draw = getattr(self.ax_, plot_method)
        self.surface_ = draw(self.xx0, self.xx1, self.loss, **{**defaults, **kwargs})
        self.colorbar_ = self.figure_.colorbar(self.surface_, ax=self.ax_, label="loss")
        colour = "black" if plot_method == "contour" else "white"  # contrasts with the surface
        look = {"color": colour, "marker": ".", "markersize": 4, "linewidth": 1.2}
        x, y = self.path.T
        (self.path_,) = self.ax_.plot(x, y, **{**look, **line_kwargs(path_kwargs)})
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
        self.ax_.legend()
        return self


def measure(subject: Subject, chosen: Sequence[int], xx0: Array, xx1: Array) -> Array:
    """Return the objective for two components of θ at each point of a grid."""
    loss = np.empty_like(xx0)
    with np.errstate(all="ignore"):
        for place in np.ndindex(xx0.shape):
            subject.network.theta[list(chosen)] = xx0[place], xx1[place]
            loss[place] = evaluate(subject.network, subject.blocks)
    return loss


def _place(names: list[str], name: str) -> int:
    if name not in names:
        known = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
        raise ValueError(f"There is no parameter {name!r}; there are {known}.")
    return names.index(name)


def _check_ranges(ranges: Any) -> NDArray[np.float64]:
    """Return two pairs of numbers, the lower one first."""
    pairs = np.asarray(ranges, dtype=float)
    if pairs.shape != (2, 2) or not (
        np.isfinite(pairs).all() and (pairs[:, 0] < pairs[:, 1]).all()
    ):
        raise ValueError(f"ranges must be two pairs (low, high) with low < high; got {ranges!r}.")
    return pairs


def _ranges(path: Array) -> tuple[Range, Range]:
    """Return ranges that contain the path, with a margin on each side."""
    low, high = path.min(axis=0), path.max(axis=0)
    margin = np.maximum(0.25 * (high - low), 0.5)
    (low0, low1), (high0, high1) = low - margin, high + margin
    return (float(low0), float(high0)), (float(low1), float(high1))
