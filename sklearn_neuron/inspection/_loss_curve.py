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
    estimator_name : str or None, default=None
        For the legend.
    unit : str, default="epoch"
        What the losses are counted in.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The curve.
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
        self, *, loss_curve: ArrayLike, estimator_name: str | None = None, unit: str = "epoch"
    ) -> None:
        self.loss_curve = loss_curve
        self.estimator_name = estimator_name
        self.unit = unit

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, name: str | None = None, ax: Any = None, **kwargs: Any
    ) -> Self:
        """Draw the loss curve of a fitted estimator.

        Parameters
        ----------
        estimator : estimator of this package, or a Pipeline that ends in one
            Fitted.
        name : str or None, default=None
            For the legend; by default the estimator's class.
        ax : matplotlib Axes, default=None
            Where to draw; by default on a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

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
        display = cls(
            loss_curve=estimator.loss_curve_,
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
            Passed to matplotlib's ``plot``.

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
        self.ax_.set(xlabel=self.unit, ylabel="loss")
        whole_numbers(self.ax_)
        if self.line_.get_label() and not self.line_.get_label().startswith("_"):
            self.ax_.legend()
        return self
