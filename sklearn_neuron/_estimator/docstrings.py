"""Docstrings: the parameters and attributes that several estimators share, written once.

``documented`` replaces ``{{name}}`` and ``{{name: default}}`` by the shared entry of that name or,
if there is none, by the names in a registry, so that the docs list whatever is registered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

from sklearn_neuron._engine.solvers import SOLVERS
from sklearn_neuron._estimator.targets import (
    ELEMENTWISE_LOSS,
    PROBABILISTIC_LOSS,
    SIGMOID_LOSS,
)
from sklearn_neuron.activations import ACTIVATIONS
from sklearn_neuron.initializers import INITIALIZERS
from sklearn_neuron.optimizers import OPTIMIZERS
from sklearn_neuron.records import RECORDS
from sklearn_neuron.schedules import SCHEDULES

T = TypeVar("T")

_SHARED = {
    "batch_size": """\
batch_size : int or None, default={default}
    Size of the mini-batches. 1 is stochastic gradient descent; ``None`` uses all samples, which
    is batch gradient descent, and so does any size above the number of samples. The last batch
    of an epoch may be smaller.""",
    "auto_eta": """\
eta : float or "auto", default="auto"
    Learning rate: the step size, in units of the gradient. ``"auto"`` is
    ``1 / (2 (h (1 + mean ||x||²) + alpha))``, half of the inverse of the objective's curvature,
    where h is the second derivative of the loss at z = 0 (1/4 for the cross-entropy, 1/8 for the
    squared error), times ``1 - momentum``; for adaptive optimizers (adam, adamw, rmsprop) it is
    0.01. ``partial_fit`` and ``warm_start`` keep that of the first call, ``eta_``.""",
    "solver": """\
solver : {{{optimizers}, "lbfgs"}} or Optimizer, default="{default}"
    The solver for weight optimization. All but ``"lbfgs"`` make updates along mini-batch
    gradients. An object such as ``SGD(momentum=0.9, nesterov=True)`` sets the hyper-parameters
    of the optimizer (momentum, weight decay, clipping, averaging), which a search then reaches
    as ``solver__momentum``. ``"lbfgs"`` minimizes the objective over all samples with SciPy's
    L-BFGS-B: ``batch_size`` and ``eta`` are ignored, ``max_iter`` is the maximum number of
    iterations, and training stops when no component of the gradient is larger than ``tol`` or
    when the loss decreases by no more than rounding error.""",
    "neuron_solver": """\
solver : {{{optimizers}, {solvers}}} or Optimizer, default="{default}"
    The solver for weight optimization. The optimizers make updates along mini-batch gradients.
    An object such as ``SGD(momentum=0.9, nesterov=True)`` sets the hyper-parameters of the
    optimizer (momentum, weight decay, clipping, averaging), which a search then reaches as
    ``solver__momentum``. The others minimize the objective over all samples:
    ``batch_size`` and ``eta`` are ignored, ``max_iter`` is the maximum number of iterations,
    and training stops when no component of the gradient is larger than ``tol`` or when the
    loss decreases by no more than rounding error.

    - ``"lbfgs"`` is SciPy's L-BFGS-B.
    - ``"newton"`` is Newton's method. It needs few iterations and is the best choice for many
      more samples than features, but it needs memory for a few matrices of 8 m² bytes, where m
      is the smaller of the numbers of features and samples, or of 8 K² m² bytes for K > 2
      classes, even if X is sparse. If that is more than is free, ``fit`` raises a MemoryError.
    - ``"newton-cg"`` is Newton's method by conjugate gradients, which needs no such matrix: for
      sparse X, many features or many classes.""",
    "schedule": """\
schedule : {{{schedules}}} or Schedule, default="constant"
    Learning rate schedule, which sets the learning rate of each epoch. An object such as
    ``Cosine(warmup=5)`` sets the hyper-parameters of the schedule, which a search then reaches
    as ``schedule__warmup``.""",
    "auto_schedule": """\
schedule : {{"auto", {schedules}}} or Schedule, default="auto"
    Learning rate schedule, which sets the learning rate of each epoch. ``"auto"`` is
    ``"restarts"`` where ``early_stopping="auto"`` chooses the number of epochs, so that the
    networks that are compared have settled, and ``"constant"`` elsewhere. An object such as
    ``Cosine(warmup=5)`` sets the hyper-parameters of the schedule, which a search then reaches
    as ``schedule__warmup``.""",
    "auto_alpha": """\
alpha : float or "auto", default="auto"
    Strength of the L2 regularization term ``(alpha / 2) ||W||²``, which is added to the *mean*
    loss. ``"auto"`` is 1 / n_samples where ``early_stopping="auto"`` chooses the number of
    epochs, and 0 elsewhere. (For regressors with an adaptive optimizer,
    "auto" is meant for y in units of a power of two near its standard deviation; a number
    always for y itself, so that it has to suit the size of y.)""",
    "alpha": """\
alpha : float, default=0.0
    Strength of the L2 regularization term ``(alpha / 2) ||W||²``, which is added to the *mean*
    loss.""",
    "l1_ratio": """\
l1_ratio : float in [0, 1], default=0.0
    The elastic net mixing parameter. The penalty is
    ``alpha * (l1_ratio ||W||_1 + (1 - l1_ratio) / 2 ||W||²)``. Weights become exactly zero,
    for every batch size, by the cumulative penalty that ``SGDClassifier`` has, too (a mean over
    updates, as with ``average``, is not exactly zero). They are about as many as at the
    minimum once training has converged, which takes a smaller ``tol`` and a larger ``max_iter``
    than the default ones if ``batch_size`` is None. Without an ``alpha`` it has no effect, which
    ``fit`` warns of. Not supported by {solvers}, nor by an optimizer that does not define
    ``proximal_scale``.""",
    "fit_intercept": """\
fit_intercept : bool, default=True
    Whether to fit the bias. If False, it is set to zero.""",
    "early_stopping": """\
early_stopping : bool, default=False
    Whether to use early stopping to terminate training when the validation loss and score are
    not improving: when, for ``n_iter_no_change`` consecutive epochs, neither the loss has
    decreased nor the score has increased by more than ``tol``. The validation data are
    ``X_val`` of ``fit`` or, by default, a part of the training data that is set aside,
    stratified by class; a sample that is the only one of its class is kept for training. With
    ``tol=None`` all epochs are run, and the parameters of the best epoch are restored.
    ``partial_fit`` is not available with ``early_stopping=True``.""",
    "auto_stopping": """\
early_stopping : bool or "auto", default="auto"
    Whether samples that are held out tell when to stop.

    - ``"auto"`` chooses the number of epochs by cross-validation. Networks are trained on four
      fifths of the samples and measured on the others whenever the number of epochs has about
      doubled, until the loss there rises; so many of the five parts are held out in turn that
      they have 300 samples. The network is then trained on *all* samples for as many epochs as
      were best. It is False if there are fewer than 50 samples, if ``tol`` is None or 0 or
      ``max_iter`` is not larger than ``n_iter_no_change``, with ``lbfgs`` and the schedules
      "cosine" and "adaptive", and where training goes on (``warm_start``, ``partial_fit``) or
      starts from ``coef_init``. ``X_val`` of ``fit`` is
      used as it is without early stopping.
    - ``True`` terminates training when the validation loss and score are not improving: when, for
      ``n_iter_no_change`` consecutive epochs, neither the loss has decreased nor the score has
      increased by more than ``tol``. The validation data are ``X_val`` of ``fit`` or, by default,
      a part of the training data that is set aside, stratified by class; a sample that is the
      only one of its class is kept for training. With ``tol=None`` all epochs are run, and the
      parameters of the best epoch are restored. ``partial_fit`` is not available.
    - ``False`` trains until the training loss stops improving.""",
    "validation_fraction": """\
validation_fraction : float in (0, 1), default=0.1
    The proportion of training data to set aside as validation set for early stopping. Only used
    if ``early_stopping`` is True and ``X_val`` is not given.""",
    "max_iter": """\
max_iter : int, default=200
    Maximum number of epochs.""",
    "tol": """\
tol : float or None, default={default}
    Tolerance for the optimization. Training stops when the loss of an epoch has not fallen
    below the best one so far by more than ``tol`` for ``n_iter_no_change`` consecutive epochs.
    ``None`` runs ``max_iter`` epochs.""",
    "n_iter_no_change": """\
n_iter_no_change : int, default={default}
    Maximum number of consecutive epochs that do not improve by ``tol``.""",
    "shuffle": """\
shuffle : bool, default=True
    Whether to shuffle the samples before each epoch. Only used with mini-batches.""",
    "random_state": """\
random_state : int, RandomState instance or None, default=None
    Determines random number generation for {default}
    and the validation split of ``early_stopping``. Pass an int for reproducible results across
    multiple calls of ``fit``. ``partial_fit`` and ``warm_start`` continue the same stream of
    random numbers and do not repeat an order.""",
    "warm_start": """\
warm_start : bool, default=False
    When set to True, ``fit`` continues from the parameters and the optimizer state of the
    previous call, otherwise it starts from scratch. The shape of the network and the classes
    must be the same.""",
    "record": """\
record : {{{records}}} or Record, default="loss"
    What ``history_`` stores besides numbers. ``"loss"`` adds no cost to an update. ``"epoch"``
    stores the parameters after every epoch, ``"step"`` after every update. Each time all of
    them are stored: 8 bytes per parameter (4 for float32), plus 0.4 kB for a neuron or about
    1 kB for a network. ``Record("step", every=10, dtype="float32")`` stores less, or the state
    of the optimizer, too; a record that could exceed its ``max_bytes``, by default 268 MB, is a
    ValueError before the first epoch. ``"step"`` also computes the loss of each batch before
    and after its update, and Python is called after each of them: some 30 µs, where an update
    of a neuron with ``batch_size=1`` itself takes 0.2 µs. For {solvers}, both record
    iterations.""",
    "verbose": """\
verbose : bool or int, default=False
    Whether to print progress messages to stdout, one line per epoch.""",
    "cross_entropy": """\
loss : {{{losses_of_classes}}} or Loss, default="cross_entropy"
    The loss function. ``"cross_entropy"`` is the one with a softmax or, for two classes and for
    multilabel y, with sigmoids; ``"binary_cross_entropy"`` is for these two cases only.
    ``CrossEntropy(label_smoothing=0.1)`` sets the hyper-parameters of the loss, which a search
    then reaches as ``loss__label_smoothing``. Any other object is used as it is.""",
    "class_weight": """\
class_weight : dict, "balanced" or None, default=None
    Weights associated with classes in the form ``{{class_label: weight}}``, by which the sample
    weights are multiplied. If None, all classes have weight one. ``"balanced"`` gives all
    classes the same total weight; ``partial_fit`` is not available with it.""",
    "length": """\
n_iter_candidates_ : ndarray of shape (n_candidates,)
    The numbers of epochs that ``early_stopping="auto"`` has compared; ``n_iter_`` is the best of
    them. Only available where it has chosen.
held_out_losses_ : ndarray of shape (n_candidates,)
    The mean loss of the samples held out after each of them, without the penalty, weighted by
    the weights of samples and classes. Only available with ``n_iter_candidates_``.""",
    "fitted": """\
eta_ : float
    The base learning rate: ``eta``, or what "auto" stands for.
n_iter_ : int
    Number of epochs (or iterations) of the last call of ``fit`` or ``partial_fit``.
engine_ : str
    The engine that computed the epochs, ``"compiled"`` or ``"numpy"``: see ``set_config``.
loss_curve_ : ndarray of shape (n_epochs,)
    The loss of each epoch: the mean over its samples of the batch losses, each computed before
    the update of that batch and including the penalty. With a full batch, this is the objective
    before the update; for {solvers}, it is the objective after each iteration. ``fit``
    with ``warm_start=True`` appends to the curve. ``partial_fit`` appends only if ``record`` is
    not ``"loss"``; otherwise the curve holds the loss of its own pass only.
history_ : dict of ndarray or list
    Columns of equal length, ready for ``pandas.DataFrame``: arrays of numbers, and lists of
    arrays. There is one row per epoch: ``"epoch"`` (counted from 0, the index in
    ``loss_curve_``), ``"eta"`` (NaN for {solvers}) and ``"loss"`` (as in
    ``loss_curve_``). With ``record="epoch"``, also the parameters after the
    epoch, {default}. With ``record="step"``, one row per update:
    ``"epoch"``, ``"step"`` (counted from 0), ``"eta"``, ``"n_rows"`` (number of samples in the
    batch), ``"rows"`` (which rows of X these are, an int32 array), ``"loss"`` (of the batch
    before its update, including the penalty), ``"loss_after"`` (of the same batch after the
    update) and the parameters after the update. ``Record(state=True)`` adds ``"state"``, the
    optimizer's state as a dict. With validation
    data, also ``"validation_loss"`` and ``"validation_score"`` (for steps, NaN except for the
    last one of an epoch). With an averaging optimizer, the parameters are those that training
    updates, not their mean. The history grows as ``loss_curve_`` does; if its columns change,
    for example after a change of ``record``, it starts from scratch.
start_ : dict
    The initial parameters, before the first row of ``history_``, under the same names. Only
    available if ``record`` is not ``"loss"``.
loss_ : float
    The last element of ``loss_curve_``.
best_loss_ : float
    The minimum of ``loss_curve_``.
best_iter_ : int
    With validation data, the epoch (counted from 0) of the last call that was best on them; its
    parameters are the fitted ones. For classifiers, it is the epoch with the highest score and,
    among equal scores, the lowest loss; for regressors, the one with the lowest loss. Without
    validation data, the epoch of ``best_loss_``.
validation_loss_curve_, validation_scores_ : ndarray of shape (n_epochs,)
    The loss and the score on the validation data after each epoch. The loss is a mean without
    the penalty, but with the label smoothing, if any. The score is the accuracy (subset
    accuracy for multilabel y) or R². Both are weighted by the sample weights of the validation
    data, but not by class weights. Only available with validation data.
best_validation_score_ : float
    The validation score of ``best_iter_``; NaN if none was finite. Only available with
    validation data.
n_features_in_ : int
    Number of features seen during ``fit``.
feature_names_in_ : ndarray of shape (n_features,)
    Names of features seen during ``fit``. Defined only when X has feature names that are all
    strings.""",
}


_NAMES: dict[str, Iterable[str]] = {
    "activations": ACTIVATIONS,
    "records": RECORDS,
    "initializers": INITIALIZERS,
    "losses_of_classes": PROBABILISTIC_LOSS.names,
    "losses_of_numbers": ELEMENTWISE_LOSS.names,
    "losses_of_ranges": SIGMOID_LOSS.names,
    "optimizers": OPTIMIZERS,
    "schedules": SCHEDULES,
    "solvers": SOLVERS,
}


def documented(cls: type[T]) -> type[T]:
    """Fill in a class docstring from the shared texts and the registries."""
    names = {key: ", ".join(f'"{name}"' for name in registry) for key, registry in _NAMES.items()}

    def fill(match: re.Match[str]) -> str:
        indent, name, default = match.group(1), match.group(2), match.group(4)
        if name in names:
            return indent + names[name]
        text = _SHARED[name].format(default=default, **names)
        return "\n".join(indent + line for line in text.splitlines())

    if cls.__doc__:  # None under python -OO
        cls.__doc__ = re.sub(r"( *)\{\{(\w+)(: (.*?))?\}\}", fill, cls.__doc__)
    return cls
