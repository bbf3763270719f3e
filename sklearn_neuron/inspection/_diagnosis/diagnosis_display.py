"""Visualization of a diagnosis: small multiples, a line per layer over the epochs."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from sklearn_neuron._extras import require
from sklearn_neuron._typing import Array, EpochChoice
from sklearn_neuron.inspection._diagnosis.diagnose import Diagnosis, diagnose
from sklearn_neuron.inspection._diagnosis.panels import ink_of, panels_for, shades_on

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
USUAL_RATIO = 1e-3  # a rule of thumb
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
        The panels by the name of what they show: ``"loss"``, ``"delta"``, ``"gradient"``, and
        ``"ratio"``, ``"dead"`` and ``"saturated"`` where there is something to show.
    lines_ : dict of list of matplotlib Line2D
        The lines of each panel, one for each layer (for the loss: its mean and its quantiles).
    ax_, figure_ : matplotlib Axes and Figure
        The first panel and the figure.

    See Also
    --------
    diagnose : The same in numbers and words.
    LossCurveDisplay : The loss of each epoch.

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
        epochs: EpochChoice = "auto",
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
        names = [name for name in MULTIPLES if name == "loss" or self._values(name) is not None]
        self.figure_, axes = panels_for(ax, len(names), type(self).__name__, columns=3)
        self.axes_ = dict(zip(names, axes, strict=True))
        self.ax_ = axes[0]
        draw = self._draw_epochs if len(self.diagnosis.epochs) > 1 else self._draw_layers
        self.lines_ = {name: draw(name, panel, kwargs) for name, panel in self.axes_.items()}
        for name, panel in self.axes_.items():
            title, logarithmic = MULTIPLES[name]
            panel.set_title(title, fontsize="medium")
            shown = np.concatenate([line.get_ydata() for line in self.lines_[name]])
            if not logarithmic:
                panel.set_ylim(-4.0, 104.0)
            elif (shown[np.isfinite(shown)] > 0.0).any():
                panel.set_yscale("log")
        if len(self.diagnosis.epochs) > 1:
            self._legends(own=ax is None)
        return self

    def _values(self, name: str) -> Array | None:
        """Return what a panel shows of each layer, (E, L); None where there is nothing."""
        values: Array = getattr(self.diagnosis, name)
        if np.isnan(values).all():
            return None
        return 100.0 * values if name in {"dead", "saturated"} else values

    def _draw_epochs(self, name: str, panel: Any, kwargs: dict[str, Any]) -> list[Any]:
        """Draw one panel, a line for each layer; return its lines."""
        found = self.diagnosis
        few = len(found.epochs) <= FEW_EPOCHS_DRAWN
        mark = {"marker": "o", "markersize": 3} if few else {}
        if name == "loss":
            lines = self._draw_loss(panel, mark)
        else:
            values = self._values(name)
            assert values is not None  # it has a panel
            lines = [
                panel.plot(found.epochs, column, **{**look, **mark, **kwargs})[0]
                for column, look in zip(values.T, self._looks(panel), strict=True)
                if not np.isnan(column).all()
            ]
        if name == "ratio":
            panel.axhline(USUAL_RATIO, color=ink_of(panel), lw=0.8, ls=(0, (1, 3)), zorder=0)
        if found.fitted < len(found.epochs) - 1:  # the best epoch was restored
            panel.axvline(found.epochs[found.fitted], color="0.5", lw=1, ls=":", zorder=0)
        margin = 0.04 * np.ptp(found.epochs)
        panel.set_xlim(found.epochs[0] - margin, found.epochs[-1] + margin)
        panel.set_xlabel("epoch")
        panel.locator_params(axis="x", integer=True, nbins=5)
        return lines

    def _draw_loss(self, panel: Any, mark: dict[str, Any]) -> list[Any]:
        """Draw the mean loss, its quantiles over the rows, and that of a constant prediction."""
        found, ink = self.diagnosis, ink_of(panel)
        lines = panel.plot(found.epochs, found.loss @ found.share, color=ink, label="mean", **mark)
        low, high = np.quantile(found.loss, [0.5, 0.95], axis=1)
        look = {"color": "#56B4E9", "lw": 1.2}
        lines += panel.plot(found.epochs, low, ls="--", label="median", **look, **mark)
        lines += panel.plot(found.epochs, high, ls=":", label="95 %", **look, **mark)
        self._constant(panel)
        return list(lines)

    def _draw_layers(self, name: str, panel: Any, kwargs: dict[str, Any]) -> list[Any]:
        """Draw one panel of a single epoch: a point for each layer, or the loss of the rows."""
        found = self.diagnosis
        if name == "loss":
            loss = np.sort(found.loss[0])
            part = 100.0 * np.arange(1, len(loss) + 1) / len(loss)
            lines = panel.plot(part, loss, color=ink_of(panel), label="rows in order")
            self._constant(panel)
            panel.set_xlabel("% of the rows")
            panel.legend(fontsize="small")
            return list(lines)
        values, layers = self._values(name), np.arange(1, len(found.layers) + 1)
        assert values is not None  # it has a panel
        look = {"color": ink_of(panel), "ls": ":", "marker": "o", **kwargs}
        lines = panel.plot(layers, values[0], **look)
        panel.set_xlim(0.5, len(layers) + 0.5)
        panel.set_xlabel("layer")
        panel.set_xticks(layers[:: -(-len(layers) // 10)])
        return list(lines)

    def _constant(self, panel: Any) -> None:
        """Draw the loss of the best constant prediction, if it is known."""
        if np.isfinite(level := self.diagnosis.constant_loss):
            panel.axhline(level, color="#D55E00", lw=1, ls="-.", label="constant")

    def _legends(self, *, own: bool) -> None:
        """Add a legend of the losses, and one of the layers: below all panels of an own figure."""
        self.ax_.legend(fontsize="small")
        lines, n = self.lines_["delta"], len(self.diagnosis.layers)
        if n == 1:
            return
        if own:
            title = {"title": "layer", "ncols": min(n, 10), "frameon": False}
            self.figure_.legend(handles=lines, loc="outside lower center", **title)
        else:
            self.axes_["delta"].legend(fontsize="small", title="layer", title_fontsize="small")

    def _looks(self, panel: Any) -> list[dict[str, Any]]:
        """Return the style of each layer's line: in order of lightness, and dashed in turn."""
        shades = shades_on(panel, len(self.diagnosis.layers))
        return [
            {"color": shade, "ls": DASHES[l % len(DASHES)], "label": str(l + 1)}
            for l, shade in enumerate(shades)
        ]
