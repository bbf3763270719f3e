"""Visualization of a diagnosis: small multiples, a line per layer over the epochs."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from sklearn_neuron._typing import Array
from sklearn_neuron.inspection._diagnose import Diagnosis, diagnose
from sklearn_neuron.inspection._extras import require
from sklearn_neuron.inspection._panels import ink_of, panels_for

#: What each panel shows: its title, and whether its scale is logarithmic.
MULTIPLES = {
    "loss": ("loss", True),
    "delta": ("‖δ‖ of a row", True),
    "gradient": ("‖∂W‖", True),
    "ratio": ("‖ΔW‖ / ‖W‖ of an update", True),
    "dead": ("dead units, %", False),
    "saturated": ("saturated units, %", False),
}
DASHES = ("-", "--", "-.", ":")
FEW_EPOCHS_DRAWN = 25  # from which lines have no markers


class DiagnosisDisplay:
    """Diagnosis visualization: what each layer does, epoch by epoch, in small multiples.

    Parameters
    ----------
    diagnosis : Diagnosis
        What ``diagnose`` returns.

    Attributes
    ----------
    diagnosis : Diagnosis
        The measures and the findings.
    axes_ : dict of matplotlib Axes
        The panels by the name of what they show: ``"loss"``, ``"delta"``, ``"gradient"``, and, where
        there is something to show, ``"ratio"``, ``"dead"`` and ``"saturated"``.
    lines_ : dict of list of matplotlib Line2D
        The lines of each panel, one for each layer (for the loss: its mean and its quantiles).
    ax_, figure_ : matplotlib Axes and Figure
        The first panel and the figure.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_neuron import ManualMLPClassifier
    >>> from sklearn_neuron.inspection import DiagnosisDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> network = ManualMLPClassifier((8, 4), max_iter=20, tol=None, record="epoch", random_state=0)
    >>> display = DiagnosisDisplay.from_estimator(network.fit(X, y), X, y)
    >>> list(display.axes_)
    ['loss', 'delta', 'gradient', 'ratio', 'dead']
    """

    def __init__(self, *, diagnosis: Diagnosis) -> None:
        self.diagnosis = diagnosis

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        epochs: Any = "auto",
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Diagnose a fitted estimator and plot the measures.

        Parameters
        ----------
        estimator : estimator of this package or Pipeline whose last step is one
            Fitted estimator, best with ``record="epoch"``.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.
        epochs : {"auto", "all"} or array-like of int, default="auto"
            As for ``diagnose``.
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes object to divide into panels, or one for each panel. If None, a new figure is
            created.
        **kwargs : dict
            Keyword arguments to be passed to matplotlib's ``plot`` for the lines of the layers.

        Returns
        -------
        DiagnosisDisplay
            Object that stores the computed values.

        Raises
        ------
        ImportError
            If matplotlib is not installed; the extra ``plot`` installs it.
        """
        require("matplotlib", cls.__name__)
        diagnosis = diagnose(estimator, X, y, sample_weight=sample_weight, epochs=epochs)
        return cls(diagnosis=diagnosis).plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Plot visualization.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes object to divide into panels, or one for each panel. If None, a new figure is
            created.
        **kwargs : dict
            Keyword arguments to be passed to matplotlib's ``plot`` for the lines of the layers.

        Returns
        -------
        DiagnosisDisplay
            Object that stores the computed values.
        """
        found = self.diagnosis
        names = [name for name in MULTIPLES if name == "loss" or self._values(name) is not None]
        self.figure_, axes = panels_for(ax, len(names), type(self).__name__, columns=3)
        self.axes_ = dict(zip(names, axes, strict=True))
        self.ax_ = axes[0]
        self.lines_ = {name: self._draw(name, panel, kwargs) for name, panel in self.axes_.items()}
        for panel in axes:
            if found.fitted < len(found.epochs) - 1:  # the best epoch was restored
                panel.axvline(found.epochs[found.fitted], color="0.5", lw=1, ls=":", zorder=0)
            if len(found.epochs) > 1:
                panel.set_xlabel("epoch")
                panel.locator_params(axis="x", integer=True, nbins=5)
            else:
                panel.set_xticks([])
        self.ax_.legend(fontsize="small", title=None)
        if len(names) > 1:
            title = "layer" if len(found.layers) > 1 else None
            axes[1].legend(fontsize="small", title=title, title_fontsize="small")
        return self

    def _values(self, name: str) -> Array | None:
        """Return what a panel shows of each layer, (E, L); None where there is nothing."""
        values: Array = getattr(self.diagnosis, name)
        if np.isnan(values).all():
            return None
        return 100.0 * values if name in {"dead", "saturated"} else values

    def _draw(self, name: str, panel: Any, kwargs: dict[str, Any]) -> list[Any]:
        """Draw one panel; return its lines."""
        found, (title, logarithmic) = self.diagnosis, MULTIPLES[name]
        few = len(found.epochs) <= FEW_EPOCHS_DRAWN
        mark = {"marker": "o", "markersize": 3} if few else {}
        if name == "loss":
            lines = self._draw_loss(panel, mark)
        else:
            values = self._values(name)
            assert values is not None  # it has a panel
            lines = [
                panel.plot(found.epochs, column, **{**look, **mark, **kwargs})[0]
                for column, look in zip(values.T, self._looks(), strict=True)
                if not np.isnan(column).all()
            ]
        panel.set_title(title, fontsize="medium")
        shown = np.concatenate([line.get_ydata() for line in lines])
        if not logarithmic:
            panel.set_ylim(-4.0, 104.0)
        elif (shown[np.isfinite(shown)] > 0.0).any():
            panel.set_yscale("log")
        if name == "ratio":
            panel.axhline(1e-3, color=ink_of(panel), lw=0.8, ls=(0, (1, 3)), zorder=0)
        return lines

    def _draw_loss(self, panel: Any, mark: dict[str, Any]) -> list[Any]:
        """Draw the mean loss, its quantiles over the rows, and that of a constant prediction."""
        found, ink = self.diagnosis, ink_of(panel)
        lines = panel.plot(found.epochs, found.loss @ found.share, color=ink, label="mean", **mark)
        low, high = np.quantile(found.loss, [0.5, 0.95], axis=1)
        look = {"color": "#0072B2", "lw": 1.2}
        lines += panel.plot(found.epochs, low, ls="--", label="median row", **look, **mark)
        lines += panel.plot(found.epochs, high, ls=":", label="95 % of rows below", **look, **mark)
        if np.isfinite(found.constant_loss):
            panel.axhline(found.constant_loss, color="#D55E00", lw=1, ls="-.", label="constant")
        return list(lines)

    def _looks(self) -> list[dict[str, Any]]:
        """Return the style of each layer's line: from dark to light, and dashed in turn."""
        colormaps = require("matplotlib", type(self).__name__).colormaps
        n = len(self.diagnosis.layers)
        shades = colormaps["viridis"](np.linspace(0.1, 0.8, n) if n > 1 else [0.3])
        return [
            {"color": tuple(shade), "ls": DASHES[l % len(DASHES)], "label": str(l + 1)}
            for l, shade in enumerate(shades)
        ]
