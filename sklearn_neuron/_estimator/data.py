"""Reading: from what the user gives to the rows that training sees, and those it does not.

X becomes floats, dense or CSR; y becomes the network's targets Y; weights of rows and
classes become one weight for each row, of mean 1; rows of zero weight are left out. Rows are
held out where the user gives them, or asks that some be split off.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import validate_data

from sklearn_neuron._engine.batches import Rows
from sklearn_neuron._estimator.constraints import check_sample_weight
from sklearn_neuron._estimator.state import Resume
from sklearn_neuron._typing import Array, Matrix

FLOATS = (np.float64, np.float32)


class Given(NamedTuple):
    """X, y and weights as the user gives them."""

    X: Any
    y: Any
    sample_weight: Any

    def missing(self) -> bool:
        """Return whether there is nothing."""
        return self.X is None and self.y is None and self.sample_weight is None


NOTHING = Given(None, None, None)


class Held(NamedTuple):
    """Held-out rows, with the targets that a score is measured against."""

    rows: Rows
    target: NDArray[Any]


class Data(NamedTuple):
    """What one call of ``fit`` or ``partial_fit`` has to train on."""

    rows: Rows
    weightless: bool  # whether no row has weight, so that there is nothing to train on
    held_out: Held | None
    place: Resume
    resume: bool  # whether training goes on from the last fit
    one_pass: bool  # whether it is a partial_fit


class DataReader(BaseEstimator):
    """The part of an estimator that reads data."""

    _resume: Resume

    #: How ``validate_data`` looks at y.
    _y_check: ClassVar[Mapping[str, Any]] = {"multi_output": True}
    #: Whether the rows that are split off keep the proportions of the classes.
    _stratified = False

    @abstractmethod
    def _read_target(self, y: Any, classes: Any, *, resume: bool, one_pass: bool) -> NDArray[Any]:
        """Check y; return numbers, a row each; classifiers settle ``classes_``."""

    def _weigh_classes(
        self, target: NDArray[Any], weight: NDArray[np.float64], one_pass: bool
    ) -> NDArray[np.float64]:
        """Return the weights times what each row's class brings."""
        return weight

    @abstractmethod
    def _encode_target(self, target: NDArray[Any], seen: bool) -> NDArray[Any]:
        """Return the network's targets Y, (n, K); ``seen`` tells that rows came before."""

    def _encode_held_out(self, target: NDArray[Any]) -> NDArray[Any]:
        """Return the targets Y of rows that nothing is learned from."""
        return self._encode_target(target, True)

    @abstractmethod
    def _fitted_dtype(self) -> Any:
        """Return the dtype of the fitted parameters."""

    def _read(
        self,
        given: Given,
        held_out: Given = NOTHING,
        classes: Any = None,
        *,
        resume: bool = False,
        one_pass: bool = False,
    ) -> Data | None:
        """Check the data and make rows of them; None where a block changes nothing."""
        place = replace(self._resume) if resume else Resume()
        if not one_pass:
            place.forget_rows()
        X, y = self._check_data(given.X, given.y, self._fitted_dtype() if resume else FLOATS,
                                reset=not resume)  # fmt: skip
        target = self._read_target(y, classes, resume=resume, one_pass=one_pass)
        own = _own_weight(given.sample_weight, X.shape[0])
        weight = self._check_weight(own, target, one_pass)
        weightless = weight is not None and not weight.any()
        if weightless and resume:
            return None
        X, target, own, weight = _drop_weightless(weight, X, target, own, weight)
        Y = _to_dtype(self._encode_target(target, resume and self._resume.n_rows > 0), X.dtype)
        held = None
        if not held_out.missing():
            held = self._read_held_out(held_out, X.dtype)
        elif getattr(self, "early_stopping", False) and not one_pass:
            train, rest = self._split(target, place)
            held = Held(_rows(X[rest], Y[rest], None if own is None else own[rest]), target[rest])
            X, Y, weight = X[train], Y[train], None if weight is None else weight[train]
        del target  # 8 bytes a row, that would stand beside the weights' own
        scaled = None if weightless else place.scale(weight, X.shape[0])
        rows = Rows(X, Y, None if scaled is None else _to_dtype(scaled, X.dtype))
        return Data(rows, weightless, held, place, resume, one_pass)

    def _read_held_out(self, given: Given, dtype: Any) -> Held:
        """Check the rows that the user holds out, as rows of the same kind as the others.

        They have their own weights only: class weights shape what is learned, not how good it is.
        """
        if given.X is None or given.y is None:
            raise ValueError("X_val and y_val belong together: give both or neither.")
        try:
            X, y = self._check_data(given.X, given.y, dtype, reset=False)
            target = self._read_target(y, None, resume=True, one_pass=False)
            own = _own_weight(given.sample_weight, X.shape[0])
            if own is not None and not own.any():
                raise ValueError("at least one weight must not be zero.")
            X, target, own = _drop_weightless(own, X, target, own)
            Y = _to_dtype(self._encode_held_out(target), X.dtype)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"The held-out rows (X_val, y_val, sample_weight_val) do not fit: {error}"
            ) from error
        return Held(_rows(X, Y, own), target)

    def _split(
        self, target: NDArray[Any], place: Resume
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return which rows to train on and which to hold out, stratified where that can be.

        Rows of a class that has no other row are trained on. Where fewer rows are to be held
        out than there are classes, the rest is split without regard to classes.
        """
        n = len(target)
        rows = np.arange(n)
        codes, alone = None, np.zeros(n, dtype=bool)
        if self._stratified and target.ndim == 1:
            counts = np.bincount(target)
            alone, codes = counts[target] < 2, target
        others = rows[~alone]
        least = 1 if self._stratified else 2  # R² of a single row is not defined
        n_held = max(least, int(np.ceil(self.validation_fraction * len(others))))
        if n_held >= len(others):
            raise ValueError(
                f"early_stopping=True holds out a validation_fraction={self.validation_fraction} "
                f"of the rows, but too few are left with n_samples={n}. Give more rows, or X_val "
                "and y_val, or set early_stopping=False."
            )
        if codes is not None:
            n_classes = len(np.unique(codes[others]))
            codes = codes[others] if n_classes <= min(n_held, len(others) - n_held) else None
        if place.split_seed is None:  # a warm start holds out the same rows again
            place.split_seed = int(place.rng(self.random_state).randint(2**31 - 1))
        train, rest = train_test_split(
            others, test_size=n_held, stratify=codes, random_state=place.split_seed
        )
        return np.sort(np.concatenate([rows[alone], train])), np.sort(rest)

    def _check_data(self, X: Any, y: Any, dtype: Any, *, reset: bool) -> tuple[Matrix, Any]:
        """Return X as floats, dense or CSR, and y as scikit-learn checks it."""
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=dtype, reset=reset, **self._y_check
        )
        return X, y.toarray() if sparse.issparse(y) else y

    def _check_weight(
        self, own: NDArray[np.float64] | None, target: NDArray[Any], one_pass: bool
    ) -> NDArray[np.float64] | None:
        """Return the weights of rows and classes together, or None where all are one."""
        if own is None and getattr(self, "class_weight", None) is None:
            return None
        weight = np.ones(len(target)) if own is None else own
        if weight.any():
            weight = self._weigh_classes(target, weight, one_pass)
        if not weight.any() and not one_pass:
            raise ValueError(
                "Sample weights must contain at least one non-zero number: every row has zero "
                "weight (sample_weight times class_weight), so there is nothing to learn from."
            )
        return weight


def _rows(X: Matrix, Y: NDArray[Any], weight: NDArray[np.float64] | None) -> Rows:
    """Return rows whose weights have mean 1 among themselves."""
    if weight is None:
        return Rows(X, Y, None)
    return Rows(X, Y, _to_dtype((weight / weight.mean()).reshape(-1, 1), X.dtype))


def _to_dtype(values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Return y or weights in the dtype of X, or say that they do not fit; 0 and 1 stay bytes."""
    if values.dtype == bool:
        return np.ascontiguousarray(values)
    with np.errstate(over="ignore"):
        converted: Array = np.ascontiguousarray(values, dtype=dtype)
    if converted.dtype.itemsize < 8 and not np.isfinite(converted).all():
        raise ValueError(f"y or sample_weight is too large for {dtype}, the dtype of X.")
    return converted


def _own_weight(sample_weight: Any, n: int) -> NDArray[np.float64] | None:
    """Return the weights that rows were given, (n,), or None where there are none."""
    return None if sample_weight is None else check_sample_weight(sample_weight, n)


def _drop_weightless(weight: NDArray[np.float64] | None, *columns: Any) -> tuple[Any, ...]:
    """Remove rows of zero weight from arrays (or None); where there are no others, keep all."""
    if weight is None or weight.all() or not weight.any():
        return columns
    keep = np.flatnonzero(weight)
    return tuple(None if column is None else column[keep] for column in columns)
