"""Docstrings: the parameters and attributes that several estimators share, written once.

``documented`` fills in ``{{name}}`` or ``{{name: default}}``: a shared entry where one stands
here, else the names of a registry, so that what is registered is documented.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

from sklearn_neuron._engine.run import HISTORIES
from sklearn_neuron.activations import ACTIVATIONS
from sklearn_neuron.initializers import INITIALIZERS
from sklearn_neuron.optimizers import OPTIMIZERS
from sklearn_neuron.schedules import SCHEDULES

T = TypeVar("T")

_SHARED = {
    "batch_size": """\
batch_size : int or None, default={default}
    Number of rows of a mini-batch. 1 is stochastic gradient descent, ``None`` takes all
    rows: batch gradient descent; more than there are rows means all rows. The last
    batch of an epoch may have fewer rows.""",
    "solver": """\
solver : {{{optimizers}, "lbfgs"}} or Optimizer, default="{default}"
    All but ``"lbfgs"`` step along mini-batch gradients. An object such as
    ``SGD(momentum=0.9, nesterov=True)`` sets what belongs to an optimizer (momentum, weight
    decay, clipping, averaging), and then a search reaches it as ``solver__momentum``.
    ``"lbfgs"`` minimises the objective over all rows by SciPy's L-BFGS-B: ``batch_size`` and
    ``eta`` do not matter, ``max_iter`` counts its iterations, and it ends when no component of
    the gradient is larger than ``tol`` or the loss falls by no more than rounding does.""",
    "neuron_solver": """\
solver : {{{optimizers}, "lbfgs", "newton"}} or Optimizer, default="{default}"
    All but ``"lbfgs"`` and ``"newton"`` step along mini-batch gradients. An object such as
    ``SGD(momentum=0.9, nesterov=True)`` sets what belongs to an optimizer (momentum, weight
    decay, clipping, averaging), and then a search reaches it as ``solver__momentum``.
    ``"lbfgs"`` minimises the objective over all rows by SciPy's L-BFGS-B, ``"newton"`` by
    Newton's method: ``batch_size`` and ``eta`` do not matter, ``max_iter`` counts iterations,
    and it ends when no component of the gradient is larger than ``tol`` or the loss falls by no
    more than rounding does. ``"newton"`` needs few iterations, and memory for a few matrices
    of 8 p² bytes for p features, for K > 2 classes of 8 K² p², also where X is sparse.""",
    "schedule": """\
schedule : {{{schedules}}} or Schedule, default="constant"
    How the learning rate changes from epoch to epoch. An object such as ``Cosine(warmup=5)``
    sets what belongs to it, and then a search reaches it as ``schedule__warmup``.""",
    "alpha": """\
alpha : float, default=0.0
    Strength of the L2 penalty ``(alpha / 2) ||W||²`` beside the *mean* loss.""",
    "l1_ratio": """\
l1_ratio : float in [0, 1], default=0.0
    Share of the L1 penalty: ``alpha * (l1_ratio ||W||_1 + (1 - l1_ratio) / 2 ||W||²)``, the
    elastic net. A proximal step after each update makes weights exactly zero (a mean over
    updates, as ``average`` takes, is not). Not with lbfgs or newton.""",
    "fit_intercept": """\
fit_intercept : bool, default=True
    Whether to train the bias. If False, it is zero.""",
    "early_stopping": """\
early_stopping : bool, default=False
    Whether training ends when held-out rows tell so: when for ``n_iter_no_change`` epochs in a
    row neither their loss has fallen nor their score has risen by ``tol``. They are ``X_val`` of
    ``fit``, or else a part of the training rows that is split off, stratified by class; a class
    with one row only is trained on. With ``tol=None`` all epochs are run, and the best one is
    gone back to. Not with ``partial_fit``.""",
    "validation_fraction": """\
validation_fraction : float in (0, 1), default=0.1
    Share of the rows that ``early_stopping`` splits off where there is no ``X_val``.""",
    "max_iter": """\
max_iter : int, default=200
    Largest number of epochs.""",
    "tol": """\
tol : float or None, default={default}
    Training ends when the loss of an epoch has not fallen below the best one so far by
    ``tol`` for ``n_iter_no_change`` epochs in a row. ``None`` runs ``max_iter`` epochs.""",
    "n_iter_no_change": """\
n_iter_no_change : int, default=10
    See ``tol``.""",
    "shuffle": """\
shuffle : bool, default=True
    Whether the rows are put in a new order before each epoch of mini-batches.""",
    "random_state": """\
random_state : int, RandomState instance or None, default=None
    {default}. An int makes every ``fit`` repeatable; ``partial_fit`` and
    ``warm_start`` go on in the same stream of random numbers, and replay no order.""",
    "warm_start": """\
warm_start : bool, default=False
    Whether ``fit`` goes on from the parameters and the optimizer's state of the last fit.
    The network's shape and the classes must be the same.""",
    "record": """\
record : {{{histories}}}, default="loss"
    What ``history_`` keeps besides numbers. ``"loss"`` costs nothing per update. ``"epoch"``
    keeps the parameters after every epoch, ``"step"`` after every update: each time all of
    them, 8 (or for float32 4) bytes a parameter, with 0.4 kB around them for a neuron and
    about 1 kB for a network. ``"step"`` also measures each batch's loss before and after its
    update, and so takes up to twice as long for a network, up to four times for a neuron with
    ``batch_size=1``. For lbfgs and newton both mean
    iterations.""",
    "verbose": """\
verbose : bool or int, default=False
    Whether to print a line for each epoch.""",
    "cross_entropy": """\
loss : str or Loss, default="cross_entropy"
    Cross-entropy behind a softmax, and behind sigmoids for two classes and for multilabel y.
    ``CrossEntropy(label_smoothing=0.1)`` sets what belongs to it, and then a search reaches it
    as ``loss__label_smoothing``. Another object is taken as it is.""",
    "class_weight": """\
class_weight : dict, "balanced" or None, default=None
    Factor on the weight of each row, by its class. ``"balanced"`` gives every class the
    same total weight; it is not offered by ``partial_fit``.""",
    "fitted": """\
n_iter_ : int
    Number of epochs (or iterations) of the last ``fit`` or ``partial_fit``.
engine_ : str
    What computed the epochs, ``"numpy"`` or ``"numba"``: see ``set_config``.
loss_curve_ : list of float
    For each epoch the mean over its rows of the batch losses, each taken before that
    batch's update and with the penalty; with a full batch, the objective before the
    update. For lbfgs and newton the objective after each iteration. ``fit`` with
    ``warm_start=True`` appends; ``partial_fit`` keeps that of its own pass, and appends only
    where ``record`` is not ``"loss"``.
history_ : dict of list
    Columns of equal length, ready for ``pandas.DataFrame``, with a row for each epoch:
    ``"epoch"`` (from 0, the place in ``loss_curve_``), ``"eta"`` (NaN for lbfgs and newton) and
    ``"loss"`` (as in ``loss_curve_``). With ``record="epoch"`` also the parameters after
    the epoch, {default}. With ``record="step"`` a row for each update:
    ``"epoch"``, ``"step"`` (from 0), ``"eta"``, ``"n_rows"`` of the batch, ``"loss"`` (the
    batch's, with the penalty, before its update), ``"loss_after"`` (the same batch's after
    it) and the parameters after the update. Where rows are held out there are also
    ``"validation_loss"`` and ``"validation_score"`` (of steps: NaN but for the last of an
    epoch). With an averaging optimizer the parameters are those that training moves, not
    their mean. It grows as ``loss_curve_`` does; where its
    columns change, as after a change of ``record``, it begins anew.
start_ : dict
    The parameters before the first row of ``history_``, under the same names; only where
    ``record`` is not ``"loss"``.
loss_ : float
    The last of ``loss_curve_``.
best_loss_ : float
    The smallest of ``loss_curve_``.
best_iter_ : int
    The epoch (counted from 0) of the last call that was best on held-out rows, whose
    parameters are the fitted ones: for classifiers that of the highest score and, among equal
    scores, the lowest loss; for regressors that of the lowest loss. Without held-out rows the
    epoch of ``best_loss_``.
validation_loss_curve_, validation_scores_ : list of float
    For each epoch the mean loss of the held-out rows after it, without the penalty (with the
    label smoothing, where the loss has it), and their score: accuracy (for multilabel y of
    whole rows) or R². Weights are those of ``sample_weight_val``; class weights do not count.
    Only where rows are held out.
best_validation_score_ : float
    The score of ``best_iter_``; NaN where none was finite. Only where rows are held out.
n_features_in_ : int
    Number of features seen during ``fit``.
feature_names_in_ : ndarray of shape (n_features,)
    Names of the features, where X has names that are all strings.""",
}


_NAMES: dict[str, Iterable[str]] = {
    "activations": ACTIVATIONS,
    "histories": HISTORIES,
    "initializers": INITIALIZERS,
    "optimizers": OPTIMIZERS,
    "schedules": SCHEDULES,
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
