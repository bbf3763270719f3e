"""The display of loss curves."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sklearn_neuron.inspection._extras import axes_for, line_kwargs, whole_numbers
from sklearn_neuron.inspection._subject import unwrap


class LossCurveDisplay:
    """Loss against epochs.

    Parameters
    ----------
    loss_curve : array-like of shape (n_epochs,)
        The loss of each epoch.
    validation_loss_curve : array-like of shape (n_epochs,) or None, default=None
        The held-out rows' loss after each epoch.
    best_iter : int or None, default=None
        The epoch that is marked as the best one.
    estimator_name : str or None, default=None
        For the legend.
    unit : str, default="epoch"
        What the losses are counted in.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The curve.
    validation_line_ : matplotlib Line2D or None
        The curve of the held-out rows.
    best_ : matplotlib Line2D or None
        The mark at the best epoch.
    ax_, figure_ : matplotlib Axes and Figure
        Where it is drawn.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_neuron import ManualMLPClassifier
    >>> from sklearn_neuron.inspection import LossCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ManualMLPClassifier(max_iter=20, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(model, color="black")
    >>> display.ax_.get_xlabel()
    'epoch'
    """

    def __init__(
        self,
        *,
        loss_curve: ArrayLike,
        validation_loss_curve: ArrayLike | None = None,
        best_iter: int | None = None,
        estimator_name: str | None = None,
        unit: str = "epoch",
    ) -> None:
        self.loss_curve = loss_curve
        self.validation_loss_curve = validation_loss_curve
        self.best_iter = best_iter
        self.estimator_name = estimator_name
        self.unit = unit

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, name: str | None = None, ax: Any = None, **kwargs: Any
    ) -> Self:
        """Draw the loss curve of a fitted estimator, and that of its held-out rows.

        Where rows were held out the best epoch, whose parameters are the fitted ones, is marked.

        Parameters
        ----------
        estimator : estimator of this package, or a Pipeline that ends in one
            Fitted.
        name : str or None, default=None
            For the legend; by default the estimator's class.
        ax : matplotlib Axes, default=None
            Where to draw; by default on a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot`` for the curve; the held-out rows' has its colour and
            dashes.

        Returns
        -------
        LossCurveDisplay
            The display.

        Raises
        ------
        ImportError
            Without matplotlib, which the extra ``plot`` brings.
        """
        estimator = unwrap(estimator)
        check_is_fitted(estimator)
        validation = getattr(estimator, "validation_loss_curve_", None)
        if validation is not None and len(validation) != len(estimator.loss_curve_):
            validation = None  # an earlier fit had none
        display = cls(
            loss_curve=estimator.loss_curve_,
            validation_loss_curve=validation,
            best_iter=None if validation is None else estimator.best_iter_,
            estimator_name=type(estimator).__name__ if name is None else name,
            unit="iteration" if np.isnan(estimator.history_["eta"]).all() else "epoch",
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; by default on a new figure.
        name : str or None, default=None
            For the legend; by default ``estimator_name``.
        **kwargs : dict
            Passed to matplotlib's ``plot`` for the curve; the held-out rows' has its colour and
            dashes.

        Returns
        -------
        LossCurveDisplay
            This display.
        """
        self.figure_, self.ax_ = axes_for(ax, "LossCurveDisplay")
        name = self.estimator_name if name is None else name
        curve = np.asarray(self.loss_curve, dtype=float)
        dot = {"marker": "o"} if len(curve) == 1 else {}  # a line of one point
        kwargs = {"label": name, **dot, **line_kwargs(kwargs)}
        (self.line_,) = self.ax_.plot(np.arange(len(curve)), curve, **kwargs)
        self.validation_line_ = self.best_ = None
        if self.validation_loss_curve is not None:
            self._plot_held_out(name)
        self.ax_.set(xlabel=self.unit, ylabel="loss")
        whole_numbers(self.ax_)
        if self.line_.get_label() and not self.line_.get_label().startswith("_"):
            self.ax_.legend()
        return self

    def _plot_held_out(self, name: str | None) -> None:
        """Draw the held-out rows' curve in the same colour, and mark the best epoch."""
        held_out = np.asarray(self.validation_loss_curve, dtype=float)
        colour = self.line_.get_color()
        hidden = name is None or name.startswith("_")
        (self.validation_line_,) = self.ax_.plot(
            np.arange(len(held_out)),
            held_out,
            linestyle="--",
            color=colour,
            marker="o" if len(held_out) == 1 else None,
            label="_" if hidden else f"{name}, held out",
        )
        if self.best_iter is not None:
            (self.best_,) = self.ax_.plot(
                self.best_iter,
                held_out[self.best_iter],
                "*",
                color=colour,
                markeredgecolor="black",
                markersize=13,
                label="_" if hidden else f"best epoch: {self.best_iter}",
            )
