"""Data: from what the user gives to the samples that the network sees.

X becomes floats, dense or CSR; y becomes the network's targets Y; the weights of samples and
classes become one weight per sample, of mean 1; samples of zero weight are dropped. Validation data
come from the user, or are split off on request.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import validate_data

from sklearn_neuron._engine.batches import Samples
from sklearn_neuron._engine.validation import ValidationData
from sklearn_neuron._estimator.constraints import (
    check_sample_weight,
    refuse_dates,
    refuse_missing,
)
from sklearn_neuron._estimator.containers import ORDINARY, in_numpy
from sklearn_neuron._estimator.reporting import warn
from sklearn_neuron._estimator.state import TrainingState
from sklearn_neuron._estimator.targets import Targets
from sklearn_neuron._estimator.units import Spread, Units
from sklearn_neuron._typing import Array, Matrix

FLOATS = (np.float64, np.float32)
#: Formats of sparse matrices that hold indices by rows or by columns.
COMPRESSED = ("csr", "csc", "bsr")
#: What is quoted in an error, and else the arguments that it names.
ARGUMENT = re.compile(r"(?<!\w)'[^'\n]*'|\"[^\"\n]*\"|\b(?P<name>X|y|sample_weight)\b")
#: How errors begin that data raise which were not transformed, and what to do then.
UNLIKE_X = ("The feature names of X_val", "Input X_val", "X_val has ", "X_val: could not convert")
TRANSFORMED = (
    "Have X_val and y_val been transformed as X and y were? A pipeline does it with "
    "transform_input=['X_val']."
)


class Given(NamedTuple):
    """X, y and sample weights as the user gives them."""

    X: Any
    y: Any
    sample_weight: Any

    def missing(self) -> bool:
        """Return whether nothing is given."""
        return self.X is None and self.y is None and self.sample_weight is None


#: Values of early_stopping with which no validation data are split off; "auto" trains on all.
NOT_HELD_OUT = (False, "auto")
NOTHING = Given(None, None, None)
#: The arguments of ``fit`` and ``partial_fit`` that hold data, training and validation data.
ARGUMENTS = (*Given._fields, *(f"{name}_val" for name in Given._fields), "classes")


class Call(NamedTuple):
    """What one call of ``fit`` or ``partial_fit`` gives."""

    given: Given
    validation: Given = NOTHING
    classes: Any = None  # as partial_fit is given them
    coef_init: Any = None
    intercept_init: Any = None
    one_pass: bool = False  # whether it is partial_fit
    all_classes: bool = True  # whether y must have all classes of the last fit, unless one_pass
    read: Callable[..., Data | None] | None = None  # what reads data that are not in memory

    def in_numpy(self, estimator: Any) -> Call:
        """Return the call with data that scikit-learn's validation takes, or raise a TypeError."""
        data = dict(zip(ARGUMENTS, (*self.given, *self.validation, self.classes), strict=True))
        taken = list(in_numpy(estimator, "fit", **data).values())
        return self._replace(
            given=Given(*taken[:3]), validation=Given(*taken[3:6]), classes=taken[6]
        )

    def gives_start(self) -> bool:
        """Return whether there are initial parameters."""
        return self.coef_init is not None or self.intercept_init is not None


class Data(NamedTuple):
    """What one call of ``fit`` or ``partial_fit`` has to train on."""

    samples: Samples  # or another place, which answers the same questions
    shape: tuple[int, int, int]  # numbers of samples, features and outputs
    dtype: Any  # of X
    weightless: bool  # no sample has weight, so there is nothing to train on
    targets: Targets
    validation: Samples | None
    validation_target: Any  # what scores are measured against
    spread: Spread | None  # of the targets, if they are numbers
    rows: NDArray[np.intp] | None  # of the user's X, which the samples are; None for all
    features: dict[str, Any]  # n_features_in_ and, where there are names, feature_names_in_
    split_off: bool = False  # whether the validation data were rows of the user's X

    def validation_data(self, loss: Any) -> ValidationData | None:
        """Return the validation data as the engine takes them."""
        if self.validation is None:
            return None
        score = partial(self.targets.score, self.validation_target, self.validation, loss)
        return ValidationData(self.validation, score, by_score=self.targets.stratified)

    def in_units(self, units: Units) -> Data:
        """Return the data with targets in other units."""
        held = None if self.validation is None else units.samples(self.validation)
        return self._replace(samples=units.samples(self.samples), validation=held)


def read(
    estimator: Any, call: Call, targets: Targets, state: TrainingState, dtype: Any = None
) -> Data | None:
    """Check the data and convert them; None if a block of zero weight changes nothing.

    Parameters
    ----------
    estimator : estimator
        Its parameters are read; nothing is written on it.
    call : Call
        What the user gives.
    targets : Targets
        The kind of targets; those of the last fit, if training continues.
    state : TrainingState
        A working copy, which counts the samples.
    dtype : dtype, default=None
        The dtype of the fitted parameters, if training continues; None if it starts from scratch.
    """
    if not ORDINARY.issuperset(map(type, (*call.given, *call.validation, call.classes))):
        call = call.in_numpy(estimator)
    given, one_pass = call.given, call.one_pass
    reader: Any = object.__new__(type(estimator))  # validate_data writes attributes on it
    vars(reader).update(vars(estimator))
    first = dtype is None
    X, y = check_data(reader, given, targets, FLOATS if first else dtype, reset=first)
    is_block = one_pass or not (first or call.all_classes)
    targets, target = targets.read(
        y, estimator, classes=call.classes, known=not first, is_block=is_block
    )
    own = own_weight(given.sample_weight, X.shape[0])
    weight = total_weight(estimator, targets, target, own, one_pass=one_pass)
    weightless = weight is not None and not weight.any()
    if weightless and not first:
        return None
    X, target, own, weight, rows = drop_weightless(weight, X, target, own, weight)
    targets, Y = targets.encode(target, estimator, known=not first and state.n_rows > 0)
    if not one_pass:
        state.forget_samples()
    Y = to_dtype(Y, X.dtype)
    held, held_target, split_off = None, None, False
    fresh = first or (one_pass and state.n_rows == 0)  # blocks so far had no weight
    spread = targets.spread(Y, weight) if fresh and not targets.stratified else None
    if not call.validation.missing():
        held, held_target = read_validation(estimator, reader, call.validation, targets, X.dtype)
    elif estimator.early_stopping not in NOT_HELD_OUT and not one_pass:
        split_off = True
        train, rest = split_rows(estimator, target, targets, state)
        held = samples_of(X[rest], Y[rest], None if own is None else own[rest])
        held_target = target[rest]
        X, Y, weight = X[train], Y[train], None if weight is None else weight[train]
        rows = train if rows is None else rows[train]
    del target  # 8 bytes per sample, which need not be there together with the scaled weights
    scaled = None if weightless else state.scale(weight, X.shape[0])
    samples = Samples(X, Y, None if scaled is None else to_dtype(scaled, X.dtype))
    targets.check_dtype(X.dtype)
    features = features_of(reader)
    shape = (*X.shape, Y.shape[1])
    return Data(
        samples, shape, X.dtype, weightless, targets, held, held_target, spread, rows, features,
        split_off,
    )  # fmt: skip


def features_of(reader: Any) -> dict[str, Any]:
    """Return what ``validate_data`` has written."""
    names = ("n_features_in_", "feature_names_in_")
    return {name: getattr(reader, name) for name in names if hasattr(reader, name)}


def check_data(
    reader: Any, given: Given, targets: Targets, dtype: Any, *, reset: bool
) -> tuple[Matrix, Any]:
    """Return X as floats, dense or canonical CSR, and y as scikit-learn checks it."""
    X, y = validated(reader, given.X, given.y, dtype=dtype, reset=reset, **targets.y_check)
    if not isinstance(X, np.ndarray):
        X = canonical(X)
    return X, y.toarray() if sparse.issparse(y) else y


def canonical(X: Any) -> Any:
    """Return CSR whose entries are sorted, unique, and all that its arrays hold.

    So a sum goes the same way whatever the order in which entries were given, and a square is that
    of an entry, and not of the parts that it was given in.
    """
    if not X.has_canonical_format or len(X.data) > X.indptr[-1]:
        X = X.copy()
        X.sum_duplicates()
        X.prune()
    return X


def validated(reader: Any, X: Any, *y: Any, **how: Any) -> Any:
    """Return X, or X and y, as ``validate_data`` does, with errors that say which it is about."""
    for name, values in zip("Xy", (X, *y), strict=False):
        if sparse.issparse(values) and values.ndim == 2:
            check_indices(name, values)
        if name == "X" or "y_numeric" in how:
            refuse_dates(name, values)
    try:
        with np.errstate(all="ignore"):  # of the sum that is taken first, to look for NaN
            return validate_data(reader, X, *y, accept_sparse="csr", **how)
    except (TypeError, ValueError, OverflowError) as error:
        if names_argument(str(error)):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        culprit = culprit_of(error, reader, X, **how) if y else "X"
        if culprit == "y":
            refuse_missing(y[0])
        raise kind(f"{culprit}: {error}") from error


def names_argument(message: str) -> bool:
    """Return whether an error says which of X and y it is about."""
    named = {found["name"] for found in ARGUMENT.finditer(message)}
    return not named.isdisjoint({"X", "y"}) or "feature names" in message.lower()


def check_indices(name: str, matrix: Any) -> None:
    """Raise unless the indices of a sparse matrix are within it.

    SciPy checks them where a matrix is made, and not when its arrays are changed afterwards; its
    products and conversions would read, and write, beyond the arrays.
    """
    (n, p), form = matrix.shape, matrix.format
    if form == "coo":
        right = are_below(matrix.row, n) and are_below(matrix.col, p)
    elif form in COMPRESSED:
        height, width = getattr(matrix, "blocksize", (1, 1))
        n, p = (p, n) if form == "csc" else (n // height, p // width)
        ends, indices = matrix.indptr, matrix.indices
        right = len(ends) == n + 1 and ends[0] == 0 and bool((ends[1:] >= ends[:-1]).all())
        right = right and ends[-1] <= min(len(indices), len(matrix.data))
        right = right and are_below(indices[: ends[-1]], p)
    else:  # their arrays are not read by their indices
        return
    if not right:
        raise ValueError(
            f"{name} is not a valid {form.upper()} matrix: its indices lie outside of its shape "
            f"{matrix.shape}, or are not in order."
        )


def are_below(indices: NDArray[Any], end: int) -> bool:
    """Return whether all indices are at least 0 and below an end."""
    return not indices.size or bool(indices.min() >= 0 and indices.max() < end)


def culprit_of(error: Exception, reader: Any, X: Any, *, dtype: Any, reset: bool, **_: Any) -> str:
    """Return which of X and y ``validate_data`` has raised an error of; X alone tells."""
    if "inconsistent numbers of samples" in str(error):
        return "X and y"
    try:
        validate_data(copy.copy(reader), X, accept_sparse="csr", dtype=dtype, reset=reset)
    except (TypeError, ValueError, OverflowError):
        return "X"
    return "y"


def read_validation(
    estimator: Any, reader: Any, given: Given, targets: Targets, dtype: Any
) -> tuple[Samples, NDArray[Any]]:
    """Check the validation data that the user gives, against the training data.

    Only their own weights count: class weights shape what is learned, not how good it is.
    """
    if given.X is None or given.y is None:
        raise ValueError("X_val and y_val belong together: give both or neither.")
    try:
        reader, unlike = reader_of_validation(reader, given.X)
        X, y = check_data(reader, given, targets, dtype, reset=False)
        _, target = targets.read(
            y, estimator, classes=None, known=True, is_block=True, is_held_out=True
        )
        own = own_weight(given.sample_weight, X.shape[0])
        if own is not None:
            check_sum(own)
        X, target, own, _ = drop_weightless(own, X, target, own)
        Y = to_dtype(targets.encode_validation(target, estimator), X.dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "The validation data (X_val, y_val, sample_weight_val) do not fit: "
            f"{by_their_names(str(error))}"
        ) from error
    if unlike:
        warn(f"{type(estimator).__name__}: {unlike}", UserWarning)
    return samples_of(X, Y, own), target


def reader_of_validation(reader: Any, X: Any) -> tuple[Any, str]:
    """Return what ``validate_data`` reads X_val with, and a warning if only one of two has names.

    Its own warning would be of X.
    """
    own = copy.copy(reader)
    validate_data(own, X, reset=True, skip_check_array=True, ensure_2d=False)
    is_named, X_is_named = (hasattr(each, "feature_names_in_") for each in (own, reader))
    if is_named == X_is_named:
        return reader, ""
    if is_named:
        return own, f"X_val has feature names, but the training data have none. {TRANSFORMED}"
    return own, (
        "X_val does not have valid feature names, but the training data have. Give X_val with the "
        "same names, or make sure that its columns are in the same order."
    )


def by_their_names(message: str) -> str:
    """Return a message about X, y and sample_weight as one about X_val, y_val and so on."""
    message = ARGUMENT.sub(lambda found: found[0] + ("_val" if found["name"] else ""), message)
    message = message.replace(
        "The feature names should match those that were passed during fit",
        "The feature names of X_val should match those of X",
    )
    if not message.startswith(UNLIKE_X):
        return message
    return f"{message.rstrip().removesuffix('.')}. {TRANSFORMED}"


def split_rows(
    estimator: Any, target: NDArray[Any], targets: Targets, state: TrainingState
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows to train on and those for validation, stratified if possible.

    A sample that is the only one of its class is trained on. If the validation set has fewer
    samples than there are classes, the split is not stratified.
    """
    n = len(target)
    rows = np.arange(n)
    codes, alone = None, np.zeros(n, dtype=bool)
    if targets.stratified and target.ndim == 1:
        counts = np.bincount(target)
        alone, codes = counts[target] < 2, target
    others = rows[~alone]
    least = 1 if targets.stratified else 2  # R² of a single sample is not defined
    fraction = estimator.validation_fraction
    asked = int(np.ceil(fraction * len(others)))
    n_held = max(least, asked)
    if n_held >= len(others):
        raise ValueError(
            f"early_stopping=True splits off a validation_fraction={fraction} of the samples, but "
            f"too few remain with n_samples={n}. Give more samples, or X_val and y_val, or set "
            "early_stopping=False."
        )
    if n_held > asked:
        warn(
            f"validation_fraction={fraction} of {len(others)} samples is {asked}, but the score of "
            f"the validation data needs at least {least}: {n_held} samples are split off. Increase "
            "validation_fraction, or give X_val and y_val.",
            UserWarning,
        )
    if codes is not None:
        n_classes = len(np.unique(codes[others]))
        codes = codes[others] if n_classes <= min(n_held, len(others) - n_held) else None
    seed = state.split(estimator.random_state)
    train, rest = train_test_split(others, test_size=n_held, stratify=codes, random_state=seed)
    return np.sort(np.concatenate([rows[alone], train])), np.sort(rest)


def total_weight(
    estimator: Any,
    targets: Targets,
    target: NDArray[Any],
    own: NDArray[np.float64] | None,
    *,
    one_pass: bool,
) -> NDArray[np.float64] | None:
    """Return the weights of samples times those of classes, or None if all are one."""
    if own is None and getattr(estimator, "class_weight", None) is None:
        return None
    weight = np.ones(len(target)) if own is None else own
    if weight.any():
        weight = targets.weigh(target, weight, estimator)
    if not weight.any() and not one_pass:
        raise without_weight()
    return weight


def without_weight() -> ValueError:
    """Return the error of samples that all have zero weight."""
    return ValueError(
        "Sample weights must contain at least one non-zero number: every sample has zero "
        "weight (sample_weight times class_weight), so there is nothing to learn from."
    )


def samples_of(X: Matrix, Y: NDArray[Any], weight: NDArray[Any] | None) -> Samples:
    """Return samples with weights of mean 1 among themselves."""
    if weight is None:
        return Samples(X, Y, None)
    return Samples(X, Y, to_dtype((weight / weight.mean()).reshape(-1, 1), X.dtype))


def to_dtype(values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Return y or weights in the dtype of X, or raise if they overflow; bool stays bool."""
    if values.dtype == bool:
        return np.ascontiguousarray(values)
    with np.errstate(over="ignore"):
        converted: Array = np.require(values, dtype, ["C", "A"])  # aligned, as the core needs them
    if converted.dtype.itemsize < 8 and not np.isfinite(converted).all():
        raise ValueError(f"y or sample_weight is too large for {dtype}, the dtype of X.")
    return converted


def own_weight(sample_weight: Any, n: int) -> NDArray[np.float64] | None:
    """Return the sample weights, (n,), or None if there are none."""
    return None if sample_weight is None else check_sample_weight(sample_weight, n)


def check_sum(weight: NDArray[np.float64]) -> None:
    """Raise unless the weights of validation data have a mean to divide by."""
    with np.errstate(over="ignore"):
        total = weight.sum()
    if not weight.any():
        raise ValueError("at least one weight must not be zero.")
    if not np.isfinite(total):
        raise ValueError("the sum of sample_weight is not finite: scale the weights down.")
    if total < np.finfo(np.float64).tiny:
        raise ValueError("sample_weight has a sum too close to zero: scale the weights up.")


def drop_weightless(weight: NDArray[np.float64] | None, *columns: Any) -> tuple[Any, ...]:
    """Drop samples of zero weight from arrays (or None), unless all samples have zero weight.

    Last comes which rows are kept, None for all.
    """
    if weight is None or weight.all() or not weight.any():
        return *columns, None
    keep = np.flatnonzero(weight)
    return *(None if column is None else column[keep] for column in columns), keep
