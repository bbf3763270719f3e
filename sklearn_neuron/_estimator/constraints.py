"""Constraints: what constructor parameters, sample weights and initial parameters may be.

A parameter is checked by ``fit`` against a constraint, an object that can say what it allows. The
errors name the parameter, the value given and what is allowed. What may be chosen by name is read
from the registries when it is checked.
"""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from sklearn.utils import check_array

from sklearn_neuron._estimator import hints
from sklearn_neuron._estimator.containers import ORDINARY, converted, refuse_other_array
from sklearn_neuron._typing import Array
from sklearn_neuron.components import Component
from sklearn_neuron.exceptions import InvalidParameterTypeError
from sklearn_neuron.initializers import INITIALIZERS
from sklearn_neuron.optimizers import OPTIMIZERS, Optimizer
from sklearn_neuron.records import RECORDS, Record
from sklearn_neuron.schedules import SCHEDULES, Schedule


class Constraint(ABC):
    """What a parameter may be."""

    @abstractmethod
    def has_type(self, value: Any) -> bool:
        """Return whether the type could be right."""

    def allows(self, value: Any) -> bool:
        """Return whether a value of the right type is allowed."""
        return True

    @abstractmethod
    def __str__(self) -> str:
        """Return what is allowed, in words."""

    def check(self, owner: str, name: str, value: Any) -> None:
        """Raise unless the value is allowed."""
        if not (self.has_type(value) and self.allows(value)):
            kind = ValueError if self.has_type(value) else InvalidParameterTypeError
            raise kind(
                f"The {name!r} parameter of {owner} must be {self}; got {value!r} instead."
                f"{hints.of_value(name, value)}"
            )
        for component in self.components(value):
            try:
                component.validate()
            except (TypeError, ValueError) as error:
                raise type(error)(f"The {name!r} parameter of {owner}: {error}") from error

    def components(self, value: Any) -> Iterable[Component]:
        """Return the components in an allowed value, whose own parameters are to be checked."""
        return ()


@dataclass(frozen=True)
class Number(Constraint):
    """A finite number at least (or above) ``low`` and below (or at most) ``high``."""

    low: float
    high: float = math.inf
    open_low: bool = False
    closed_high: bool = False
    integer: bool = False
    none: str = ""  # what None means, where it is allowed

    def has_type(self, value: Any) -> bool:
        if value is None:
            return bool(self.none)
        return _is_size(value) if self.integer else _is_number(value)

    def allows(self, value: Any) -> bool:
        if value is None:
            return True
        try:
            number = value if self.integer else float(value)
        except OverflowError:  # an int beyond all floats
            return False
        above = number > self.low if self.open_low else number >= self.low
        return bool(above and (number <= self.high if self.closed_high else number < self.high))

    def __str__(self) -> str:
        kind = "an int" if self.integer else "a float"
        bracket, closing = "(" if self.open_low else "[", "]" if self.closed_high else ")"
        none = f" or None ({self.none})" if self.none else ""
        return f"{kind} in the range {bracket}{self.low:g}, {self.high:g}{closing}{none}"


@dataclass(frozen=True)
class Flag(Constraint):
    """True or False; where ``level`` is set also a non-negative int."""

    level: bool = False

    def has_type(self, value: Any) -> bool:
        return isinstance(value, BOOLS) or (self.level and isinstance(value, Integral))

    def allows(self, value: Any) -> bool:
        return bool(value >= 0) if self.level else True

    def __str__(self) -> str:
        return "True, False or a non-negative int" if self.level else "True or False"


@dataclass(frozen=True)
class Auto(Constraint):
    """What another constraint allows, or "auto"."""

    other: Constraint

    def has_type(self, value: Any) -> bool:
        return is_auto(value) or self.other.has_type(value)

    def allows(self, value: Any) -> bool:
        return is_auto(value) or self.other.allows(value)

    def __str__(self) -> str:
        return f"{self.other}, or 'auto'"


def is_auto(value: Any) -> bool:
    """Return whether a parameter is "auto", which an array is not."""
    return isinstance(value, str) and value == "auto"


class Registered(Collection[str]):
    """The names in a registry that suit a parameter, as they are when it is checked.

    Parameters
    ----------
    registry : dict
        Components by name.
    others : sequence of str, default=()
        Names that are allowed besides.
    suits : callable, default=None
        Takes a component's class and returns whether it suits; None takes all.
    """

    def __init__(
        self,
        registry: Mapping[str, Any],
        others: Sequence[str] = (),
        suits: Callable[[Any], bool] | None = None,
    ) -> None:
        self.registry, self.others, self.suits = registry, others, suits

    def __contains__(self, name: object) -> bool:
        if name in self.registry:
            return self.suits is None or self.suits(self.registry[str(name)])
        return name in self.others

    def __iter__(self) -> Iterator[str]:
        yield from (name for name in self.registry if name in self)
        yield from self.others

    def __len__(self) -> int:
        return sum(1 for _ in self)  # list would ask for the length


@dataclass(frozen=True)
class Choice(Constraint):
    """One of some names, or a component of some kind."""

    names: Collection[str]
    kind: type[Component] | None = None

    def components(self, value: Any) -> Iterable[Component]:
        return () if isinstance(value, str) else (value,)

    def has_type(self, value: Any) -> bool:
        return isinstance(value, str) or (self.kind is not None and isinstance(value, self.kind))

    def allows(self, value: Any) -> bool:
        return not isinstance(value, str) or value in self.names

    def __str__(self) -> str:
        names = "one of " + ", ".join(repr(name) for name in self.names)
        if self.kind is None:
            return names
        article = "an" if self.kind.__name__[0] in "AEIOU" else "a"
        return f"{names}, or {article} {self.kind.__name__} object"


@dataclass(frozen=True)
class OneOrEach(Constraint):
    """What another constraint allows, or a sequence of it."""

    one: Constraint
    of_what: str

    def components(self, value: Any) -> Iterable[Component]:
        each = value if _is_sequence(value) else [value]
        return [component for one in each for component in self.one.components(one)]

    def has_type(self, value: Any) -> bool:
        if _is_sequence(value):
            return all(self.one.has_type(each) for each in value)
        return self.one.has_type(value)

    def allows(self, value: Any) -> bool:
        if _is_sequence(value):
            return all(self.one.allows(each) for each in value)
        return self.one.allows(value)

    def __str__(self) -> str:
        return f"{self.one}, or a sequence of them, one for each {self.of_what}"


@dataclass(frozen=True)
class Either(Constraint):
    """What a pair of predicates accepts, described in words."""

    words: str
    type_test: Callable[[Any], bool]
    value_test: Callable[[Any], bool]

    def has_type(self, value: Any) -> bool:
        return self.type_test(value)

    def allows(self, value: Any) -> bool:
        return self.value_test(value)

    def __str__(self) -> str:
        return self.words


BOOLS = (bool, np.bool_)


def _is_size(value: Any) -> bool:  # the usual types first: instances of Integral are slow to tell
    return type(value) is int or (isinstance(value, Integral) and not isinstance(value, BOOLS))


def _is_number(value: Any) -> bool:
    usual = type(value) in {float, int}
    return usual or (isinstance(value, Real) and not isinstance(value, BOOLS))


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim == 1)


def hidden_sizes(value: Any) -> list[int]:
    """Return ``hidden_layer_sizes`` as a list."""
    return [int(value)] if _is_size(value) else [int(n) for n in value]


HIDDEN_LAYER_SIZES = Either(
    "an int >= 1 or a sequence of ints >= 1, one for each hidden layer",
    lambda v: _is_size(v) or (_is_sequence(v) and all(_is_size(n) for n in v)),
    lambda v: all(n >= 1 for n in hidden_sizes(v)),
)
TARGET_RANGE = Either(
    "'auto' or a pair (low, high) of numbers with low < high and a finite difference",
    lambda v: isinstance(v, str) or (_is_sequence(v) and all(_is_number(x) for x in v)),
    lambda v: v == "auto" if isinstance(v, str) else _is_range(v),
)
CLASS_WEIGHT = Either(
    "None, 'balanced', a dict {class: weight} of finite, non-negative weights or, "
    "for multilabel y, a list of such dicts",
    lambda v: v is None or isinstance(v, str | dict | list),
    lambda v: v is None or v == "balanced" or (not isinstance(v, str) and _are_weights(v)),
)
RANDOM_STATE = Either(
    "None, an int in the range [0, 2**32 - 1] or a numpy.random.RandomState",
    lambda v: v is None or isinstance(v, Integral | np.random.RandomState) or v is np.random,
    lambda v: not isinstance(v, Integral) or 0 <= int(v) < 2**32,
)


def _is_range(pair: Sequence[float]) -> bool:
    finite = len(pair) == 2 and all(_is_finite(end) for end in pair)
    return finite and bool(0.0 < float(pair[1]) - float(pair[0]) < math.inf)


def _is_finite(value: Any) -> bool:
    """Return whether a number is a finite float, which an int beyond all floats is not."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _are_weights(value: dict[Any, Any] | list[Any]) -> bool:
    dicts: Iterable[Any] = value if isinstance(value, list) else [value]
    return all(
        isinstance(d, dict) and all(_is_number(w) and _is_finite(w) and w >= 0 for w in d.values())
        for d in dicts
    )


def check_sample_weight(sample_weight: Any, n_samples: int) -> NDArray[np.float64]:
    """Return the weights as an array of shape (n_samples,).

    Raises
    ------
    ValueError
        Where they are not one finite, non-negative number for each row.
    """
    weight: NDArray[np.float64] = _as_floats("sample_weight", sample_weight, np.float64)
    if weight.ndim == 0:
        weight = np.full(n_samples, weight)
    if weight.ndim != 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar, got {weight.ndim}D array; "
            "give one weight for each row."
        )
    if weight.shape[0] != n_samples:
        raise ValueError(
            f"sample_weight.shape == {weight.shape}, expected {(n_samples,)}: "
            "one weight for each row."
        )
    if (weight < 0).any():
        raise ValueError("Negative values in data passed to `sample_weight`; weights must be >= 0.")
    return weight


def _as_floats(name: str, value: Any, dtype: DTypeLike) -> Any:
    """Return an array of finite numbers; the error names what it is."""
    refuse_dates(name, value)
    scalar = isinstance(value, Real | str | dict) or (
        isinstance(value, np.ndarray) and value.ndim == 0
    )
    try:
        array = check_array(
            np.asarray(value, dtype=np.float64).reshape(1) if scalar else value,
            ensure_2d=False,
            allow_nd=True,
            dtype=dtype,
            ensure_min_samples=0,
            input_name=name,
        )
        return array.reshape(()) if scalar else array
    except (TypeError, ValueError, OverflowError) as error:
        if name in str(error):
            raise
        raise ValueError(f"{name} must be an array of finite numbers: {error}") from error


def refuse_dates(name: str, value: Any) -> None:
    """Raise if data hold dates or times: NumPy would make numbers of them, of NaT, too."""
    dtypes = getattr(value, "dtypes", None) if hasattr(value, "columns") else None
    if dtypes is None or hasattr(dtypes, "kind"):  # no frame, of whose columns one may be "dtype"
        dtypes = [getattr(value, "dtype", None)]
    for dtype in dtypes:
        if getattr(dtype, "kind", "") in {"m", "M"}:
            raise ValueError(
                f"{name} holds dates or times ({dtype}), which are not numbers. Convert them, for "
                "example to days since a date that you choose."
            )


def refuse_missing(y: Any) -> None:
    """Raise a ValueError where labels or targets are missing, however that is written."""
    if getattr(getattr(y, "dtype", None), "kind", "O") in "biufcSU":  # hold nothing that is missing
        return
    if pandas := sys.modules.get("pandas"):
        missing = np.asarray(pandas.isna(y))
    else:
        missing = np.asarray(np.frompyfunc(is_missing, 1, 1)(np.asarray(y, object)), bool)
    if not missing.ndim:  # of something that holds no labels
        return
    rows = np.flatnonzero(missing.any(axis=tuple(range(1, missing.ndim))))
    if len(rows):
        raise ValueError(
            f"y contains missing values, in {len(rows)} of {len(missing)} rows, the first in row "
            f"{rows[0]}. Leave these rows out, of X and of sample_weight, too."
        )


def is_missing(value: Any) -> bool:
    """Return whether a value is None or NaN, which is all there is without pandas."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def check_start(name: str, value: Any, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """Return an initial value given to ``fit`` as an array, or raise if its shape is wrong."""
    given = value
    if type(value) not in ORDINARY:
        refuse_other_array(name, value)
        given = converted(value)
    array: Array = _as_floats(name, given, dtype)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}; got shape {array.shape}.")
    return array


INIT = Choice(Registered(INITIALIZERS, ["auto"]))

#: The parameters of all estimators.
COMMON: Mapping[str, Constraint] = {
    "eta": Number(0.0, open_low=True),
    "batch_size": Number(1, integer=True, none="all samples"),
    "solver": Choice(Registered(OPTIMIZERS, ["lbfgs"]), Optimizer),
    "schedule": Choice(SCHEDULES, Schedule),
    "alpha": Number(0.0),
    "max_iter": Number(1, integer=True),
    "tol": Number(0.0, none="run exactly max_iter"),
    "n_iter_no_change": Number(1, integer=True),
    "early_stopping": Flag(),
    "validation_fraction": Number(0.0, 1.0, open_low=True),
    "shuffle": Flag(),
    "random_state": RANDOM_STATE,
    "warm_start": Flag(),
    "record": Choice(RECORDS, Record),
    "verbose": Flag(level=True),
}
