"""Probabilities: from the network's logits z to p = σ(z) or softmax(z), and to log p.

In mathematics they are strictly between 0 and 1 and in the order of the logits. In
floating-point numbers σ(z) is exactly 1 from z = 37 on, which makes ties in rankings, and
exactly 0 from z = -746 on, which makes logarithms of -inf. A network without penalty reaches
such logits easily, on rows that it separates. So for sigmoids z is bent beyond 18, which moves
no probability by more than 4e-9 (in float32 beyond 12 and by 2e-6), and log p ends at -708
(-87). scikit-learn's check_classifier_multioutput and check_classifiers_train ask for both.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sklearn_neuron._estimator.base import resolve
from sklearn_neuron._estimator.constraints import Choice
from sklearn_neuron._estimator.targets import BaseNetworkClassifier
from sklearn_neuron._typing import Array
from sklearn_neuron.activations import Logistic, Softmax, softplus
from sklearn_neuron.losses import LOSSES, BinaryCrossEntropy, CrossEntropy, Loss


class Bounds(NamedTuple):
    """Where floating-point numbers run out."""

    log_tiny: float  # just above the logarithm of the smallest normal number
    bend: float  # from here on z grows only logarithmically
    top: float  # σ(top) is the last number below 1


BOUNDS = {
    np.dtype(np.float64): Bounds(-708.0, 18.0, 36.0),
    np.dtype(np.float32): Bounds(-87.0, 12.0, 16.0),
}


def bend(z: Array) -> Array:
    """Bring logits into the range where σ(z) tells them apart, smoothly and in their order.

    Where all are there already, z itself is returned.
    """
    log_tiny, start, top = BOUNDS[z.dtype]
    if -start <= z.min() and z.max() <= start:  # nearly always, and nothing to do then
        return z
    beyond = np.maximum(z - start, 0.0)
    bent: Array = np.minimum(z, start) + np.log1p(beyond)
    return np.clip(bent, log_tiny, top, out=bent)


class ProbabilisticClassifier(BaseNetworkClassifier):
    """A classifier whose output is logistic or softmax."""

    loss: str | Loss

    _constraints = {
        **BaseNetworkClassifier._constraints,
        "loss": Choice(("cross_entropy",), Loss),
    }

    def _loss(self) -> Loss:
        loss: Loss = resolve(self.loss, LOSSES)
        independent = self._multilabel or len(self.classes_) == 2
        if type(loss) is CrossEntropy and independent:
            return BinaryCrossEntropy(loss.label_smoothing)
        link = Logistic if independent else Softmax
        if not isinstance(loss.link, link):
            raise ValueError(
                f"The 'loss' parameter of {type(self).__name__} must have the link "
                f"{link.__name__} for {len(self.classes_)} "
                f"{'labels' if self._multilabel else 'classes'}, as CrossEntropy has; got {loss!r}."
            )
        return loss

    def _competes(self, z: Array) -> bool:
        """Return whether the classes share a probability of one by softmax."""
        return z.shape[1] > 1 and not self._multilabel

    def _proba(self, z: Array) -> Array:
        """Return p from z^L."""
        if self._competes(z):
            return np.exp(_log_softmax(z))
        z = bend(_logits(z))
        Logistic().forward(z, out=z)
        return z

    def _log_proba(self, z: Array) -> Array:
        """Return log p from z^L."""
        if self._competes(z):
            return _log_softmax(z)
        log_proba = -_logits(z)
        softplus(log_proba, out=log_proba)
        np.negative(log_proba, out=log_proba)  # log σ(z) = −log(1 + e^−z)
        return np.maximum(log_proba, BOUNDS[z.dtype].log_tiny, out=log_proba)

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns as in ``classes_``; rows sum to one (to 4e-9, or 2e-6 in float32), except for
            multilabel y, where each column is the probability of its label. Never exactly 0;
            for one or several sigmoids never exactly 1 either.
        """
        return self._answer(X, self._proba)

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
        return self._answer(X, self._log_proba)


def _logits(z: Array) -> Array:
    """Return one logit for each column of ``predict_proba``, (m, 2) where z is (m, 1)."""
    return np.hstack([-z, z]) if z.shape[1] == 1 else z  # 1 - σ(z) = σ(-z), never rounded to 0


def _log_softmax(z: Array) -> Array:
    with np.errstate(over="ignore"):
        z = z - z.max(axis=1, keepdims=True)
    z = np.maximum(z, np.finfo(z.dtype).min)
    log_proba: Array = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return np.maximum(log_proba, BOUNDS[z.dtype].log_tiny, out=log_proba)
