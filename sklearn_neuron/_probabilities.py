"""Probabilities: from the network's logits z to p = σ(z) or softmax(z), and to log p.

In mathematics they are strictly between 0 and 1 and in the order of the logits. In
floating-point numbers σ(z) is exactly 1 from z = 37 on and exactly 0 from z = -746 on, which
makes ties in rankings, and logarithms of -inf. So z is bent where the numbers run out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron.activations import Logistic

Array = NDArray[np.floating[Any]]


class _Bounds(NamedTuple):
    """Where probabilities run out of floating-point numbers: z for p near 1, log p near 0."""

    bend_low: float  # from here on values grow only logarithmically
    bend_high: float
    low: float  # and end here
    high: float


_BOUNDS = {
    np.dtype(np.float64): _Bounds(-700.0, 18.0, -708.0, 36.0),
    np.dtype(np.float32): _Bounds(-80.0, 12.0, -87.0, 16.0),
}


def _bend(value: Array, bounds: _Bounds) -> Array:
    """Keep values within bounds, smoothly and as long as there are numbers in their order."""
    inside = np.clip(value, bounds.bend_low, bounds.bend_high)
    beyond = value - inside
    bent = inside + np.copysign(np.log1p(np.abs(beyond)), beyond)
    return np.clip(bent, bounds.low, bounds.high)


class ProbabilityMixin:
    """Probabilities for classifiers whose output is logistic or softmax.

    Bending z moves no probability by more than 4e-9 (float64).
    """

    def _logits(self, X: Any) -> tuple[Array, bool]:
        """Return one logit for each column of ``predict_proba``, and whether they compete."""
        z: Array = self._raw_output(X)  # type: ignore[attr-defined]
        if z.shape[1] == 1:
            return np.hstack([-z, z]), False  # 1 - σ(z) = σ(-z), without rounding to 0
        return z, not self._multilabel  # type: ignore[attr-defined]

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns as in ``classes_``; rows sum to one, except for multilabel y, where each
            column is the probability of its label. Never exactly 0; for one or several
            sigmoids never exactly 1 either.
        """
        z, compete = self._logits(X)
        if compete:
            return np.exp(_log_softmax(z))
        z = _bend(z, _BOUNDS[z.dtype])
        Logistic().forward(z, out=z)
        return z

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of ``predict_proba``, finite for all finite logits.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Computed from the logits, so that it is exact where probabilities round to 1; bounded
            below by -708 (-87 in float32), the logarithm of the smallest probability there is.
        """
        z, compete = self._logits(X)
        if compete:
            return _log_softmax(z)
        return _bend(-np.logaddexp(0.0, -z), _BOUNDS[z.dtype])


def _log_softmax(z: Array) -> Array:
    with np.errstate(over="ignore"):
        z = z - z.max(axis=1, keepdims=True)
    z = np.maximum(z, np.finfo(z.dtype).min)
    log_proba = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return _bend(log_proba, _BOUNDS[z.dtype])
