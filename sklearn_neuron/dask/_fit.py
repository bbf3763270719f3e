"""Training on a cluster: what is asked for, and what is refused there."""

from __future__ import annotations

from functools import partial
from typing import Any

from sklearn_neuron._estimator.base import NetworkEstimator
from sklearn_neuron._estimator.callbacks import with_callbacks
from sklearn_neuron._estimator.data import NOT_HELD_OUT, Call, Given
from sklearn_neuron._typing import MiniBatchMode, Same
from sklearn_neuron.dask._averages import Watch
from sklearn_neuron.dask._cluster import client_of
from sklearn_neuron.dask._reading import read_collections
from sklearn_neuron.records import Record


def fit(
    estimator: Same,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    X_val: Any = None,
    y_val: Any = None,
    sample_weight_val: Any = None,
    coef_init: Any = None,
    intercept_init: Any = None,
    mini_batches: MiniBatchMode = "local",
    client: Any = None,
) -> Same:
    """Fit an estimator to collections of Dask, whose partitions stay on the cluster.

    Full-batch training is exact: gradient descent with any optimizer and ``batch_size=None``,
    L-BFGS, Newton's method and newton-cg end at the parameters that ``estimator.fit`` finds on one
    machine, up to rounding, whatever the partitions. What workers send is sums over their samples;
    what they get is the parameters. Mini-batches are made in one of two ways, see ``mini_batches``.

    Parameters
    ----------
    estimator : estimator
        An estimator of this package; it is fitted in place.
    X : dask array or dask dataframe of shape (n_samples, n_features)
        The training data. Blocks may be sparse matrices, and any of them may be empty.
    y : dask array, dask series or array-like of shape (n_samples,) or (n_samples, n_outputs)
        The target values. A partition need not have samples of every class.
    sample_weight : dask array, dask series or array-like of shape (n_samples,), default=None
        Sample weights, as in ``estimator.fit``.
    X_val : array-like, sparse matrix or dask collection of shape (n_val, n_features), default=None
        Validation data, as in ``estimator.fit``. They are brought into memory.
    y_val : array-like or dask collection of shape (n_val,) or (n_val, n_outputs), default=None
        The target values of the validation data.
    sample_weight_val : array-like or dask collection of shape (n_val,), default=None
        The sample weights of the validation data.
    coef_init : array-like or list of array-like, default=None
        Initial weights, as in ``estimator.fit``.
    intercept_init : float, array-like or list of array-like, default=None
        Initial biases, as in ``estimator.fit``.
    mini_batches : {"local", "synchronous"}, default="local"
        How training goes if ``batch_size`` is smaller than the number of samples. With "local",
        each worker makes an epoch over its own samples, and the parameters are averaged after it
        [1]_: one round trip for each epoch, but another algorithm than that of one machine. With
        "synchronous", each batch is spread over all workers: the algorithm is the same, with
        another order of the samples, and each update takes a round trip of some 10 ms, which only
        pays for large batches. Where workers have different numbers of samples, some batches have
        a few more than ``batch_size``, and others less.
    client : distributed.Client, default=None
        The way to the cluster. ``None`` is the client that was made last.

    Returns
    -------
    estimator : estimator
        The estimator itself, fitted. It needs neither Dask nor the cluster any more.

    Raises
    ------
    TypeError
        If ``estimator`` is not one of this package, or X is not a collection of Dask.
    ValueError
        If parameters or data are invalid, or ask for what is not available on a cluster:
        ``early_stopping=True`` without ``X_val`` and ``y_val``, ``record="step"``, ``dropout``
        without local mini-batches. The message names the partition, and the estimator is left as it
        was.
    ClusterLostError
        If the cluster is lost. The estimator is left as it was.
    sklearn_neuron.exceptions.DivergenceError
        If training diverges; a ValueError, too.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        As ``estimator.fit``; and after local epochs if the loss of the average over all samples is
        clearly above what the workers saw in their own, as it is if rows are sorted by y.
    UserWarning
        If X has so many and so small partitions that reading them takes the time.

    See Also
    --------
    predict : Predictions for collections of Dask.

    Notes
    -----
    With ``early_stopping="auto"`` the number of epochs is not chosen by cross-validation: training
    ends as ``max_iter`` and ``tol`` say. The result is the same to the last digit for the same
    number of workers and threads at the start, and also if workers are lost later, as long as their
    partitions can be computed again. ``loss_curve_`` of local epochs has what workers saw in their
    own samples, before the average; with ``verbose`` the loss of the average is printed at the end.

    References
    ----------
    .. [1] B. McMahan, E. Moore, D. Ramage, S. Hampson, B. Agüera y Arcas (2017).
       Communication-efficient learning of deep networks from decentralized data. AISTATS, PMLR 54,
       1273-1282. https://proceedings.mlr.press/v54/mcmahan17a.html

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_neuron import LogisticNeuronClassifier
    >>> import sklearn_neuron.dask
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> client = Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=":0")
    >>> X = da.from_array(scale(X), chunks=(100, -1))
    >>> y = da.from_array(y, chunks=100)
    >>> neuron = LogisticNeuronClassifier(solver="lbfgs", alpha=0.01)
    >>> sklearn_neuron.dask.fit(neuron, X, y)
    LogisticNeuronClassifier(alpha=0.01, solver='lbfgs')
    >>> round(neuron.score(X.compute(), y.compute()), 3)
    0.986
    >>> client.close()
    """
    if not isinstance(estimator, NetworkEstimator):
        got = type(estimator).__name__
        if isinstance(estimator, type):
            got = f"the class {estimator.__name__}"
        raise TypeError(
            "estimator must be one of sklearn_neuron's, such as LogisticNeuronClassifier(); got "
            f"{got}. For a pipeline, transform X first, with dask-ml's transformers or with "
            "map_blocks; a search runs its fits on a cluster through joblib: see the user guide, "
            "'Parallel and distributed searches'."
        )
    if mini_batches not in {"local", "synchronous"}:
        raise ValueError(f"mini_batches must be 'local' or 'synchronous'; got {mini_batches!r}.")
    if not (hasattr(X, "dask") and hasattr(X, "to_delayed") and getattr(X, "ndim", 0) == 2):
        advice = "For data in memory call estimator.fit."
        if hasattr(X, "dask") and hasattr(X, "ndim"):
            advice = (
                f"It has {X.ndim} dimension{'s' * (X.ndim != 1)}: of a dataframe select columns "
            )
            advice += "by a list of names, and reshape an array."
        raise TypeError(
            "X must be a dask array of 2 dimensions or a dask dataframe; got "
            f"{type(X).__module__}.{type(X).__name__}. {advice}"
        )
    refuse_options(estimator, held_out=X_val is not None)
    watch = Watch(type(estimator).__name__, verbose=bool(estimator.verbose))
    read = partial(
        read_collections, client=client_of(client), mini_batches=mini_batches, watch=watch
    )
    given, validation = Given(X, y, sample_weight), Given(X_val, y_val, sample_weight_val)
    call = Call(given, validation, coef_init=coef_init, intercept_init=intercept_init, read=read)
    train = with_callbacks(type(estimator)._fit)  # as the method fit is
    try:
        fitted: Same = train(estimator, call)
        watch.end(estimator)
    finally:
        watch.trained.clear()  # which knows the place that knows it: what is there is let go now
    return fitted


def refuse_options(estimator: Any, *, held_out: bool) -> None:
    """Raise a ValueError where a parameter asks for what needs all samples in one place."""
    name, record = type(estimator).__name__, estimator.record
    if estimator.early_stopping not in NOT_HELD_OUT and not held_out:
        raise ValueError(
            f"early_stopping={estimator.early_stopping!r} of {name} splits off validation data, "
            "which is not available on a cluster. Give X_val and y_val."
        )
    if (record.kind if isinstance(record, Record) else record) == "step":
        raise ValueError(
            f"record={record!r} of {name} is not available on a cluster: record='epoch' is."
        )
