"""Components: small objects that hold hyper-parameters, with scikit-learn's ``get_params``.

Activations, losses, schedules and optimizers are components. A user may pass one to an
estimator's constructor in place of a name. ``get_params`` and ``set_params`` let a search reach
inside, as in ``solver__momentum``. ``fit`` never changes a component, and a component keeps no
state of training. Each kind is an abstract base class, so that a component that lacks a method of
its contract cannot be instantiated.
"""

from __future__ import annotations

import copy
import inspect
import math
from abc import ABC
from collections.abc import Collection
from numbers import Integral, Real
from typing import Any, Self

import numpy as np


class Component(ABC):
    """Base class of all components: hyper-parameters are the arguments of ``__init__``.

    Each argument is stored under its own name, as in scikit-learn.

    See Also
    --------
    sklearn_neuron.optimizers.Optimizer : A component that makes updates.
    sklearn_neuron.losses.Loss : A component that is minimized.

    Examples
    --------
    >>> from sklearn_neuron import SGD, LogisticNeuronClassifier
    >>> SGD(momentum=0.9) == SGD().set_params(momentum=0.9)
    True
    >>> neuron = LogisticNeuronClassifier(solver=SGD())
    >>> neuron.set_params(solver__momentum=0.9).solver
    SGD(average=False, max_norm=None, momentum=0.9, nesterov=False)
    """

    #: What registries and tables call it; a class that sets none is called by its own name.
    name: str

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in vars(cls):
            cls.name = cls.__name__
        for name, value in vars(cls).items():
            if inspect.isfunction(value) and value.__doc__ is None:  # it keeps its contract's
                value.__doc__ = getattr(getattr(super(cls, cls), name, None), "__doc__", None)

    @classmethod
    def _parameter_names(cls) -> list[str]:
        if cls.__init__ is object.__init__:
            return []
        parameters = inspect.signature(cls.__init__).parameters
        return sorted(name for name in parameters if name != "self")

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name.

        Parameters
        ----------
        deep : bool, default=True
            Accepted for scikit-learn's protocol; components do not nest.

        Returns
        -------
        dict
            Parameter names and their values.
        """
        return {name: getattr(self, name) for name in self._parameter_names()}

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name.

        Parameters
        ----------
        **params : dict
            New values.

        Returns
        -------
        self : Component
            This object.

        Raises
        ------
        ValueError
            If a name is not a parameter of this component.
        """
        names = self._parameter_names()
        for name, value in params.items():
            if name not in names:
                raise ValueError(
                    f"Invalid parameter {name!r} for {type(self).__name__}. "
                    f"Valid parameters are: {names}."
                )
            setattr(self, name, value)
        return self

    def validate(self) -> None:  # noqa: B027 - most components allow anything
        """Raise a ValueError or TypeError where a parameter is not allowed."""

    def check_number(
        self,
        name: str,
        low: float = 0.0,
        high: float = math.inf,
        bounds: str = "[)",
        *,
        integer: bool = False,
    ) -> None:
        """Raise unless a parameter is a number between low and high.

        Parameters
        ----------
        name : str
            The parameter.
        low, high : float, default=0.0 and infinity
            The bounds.
        bounds : {"[)", "[]", "()", "(]"}, default="[)"
            Which of the bounds are allowed themselves, as in [0, 1).
        integer : bool, default=False
            Whether the number must be an int.

        Raises
        ------
        TypeError
            If it is no such number; a bool is not.
        ValueError
            If it is out of bounds.
        """
        value = getattr(self, name)
        owner = type(self).__name__
        allowed = (
            f"{'an int' if integer else 'a number'} in {bounds[0]}{low:g}, {high:g}{bounds[1]}"
        )
        message = f"{name} of {owner} must be {allowed}; got {value!r}."
        kind = Integral if integer else Real
        if isinstance(value, bool | np.bool_) or not isinstance(value, kind):
            raise TypeError(message)
        number = float(value)
        above = number >= low if bounds[0] == "[" else number > low
        below = number <= high if bounds[1] == "]" else number < high
        if not (above and below):
            raise ValueError(message)

    def check_choice(self, name: str, allowed: Collection[str | None]) -> None:
        """Raise unless a parameter is one of some names, or None where that is allowed.

        Parameters
        ----------
        name : str
            The parameter.
        allowed : collection of str
            The names; None among them allows None.

        Raises
        ------
        TypeError
            If it is no str, nor None where that is allowed.
        ValueError
            If it is another name.
        """
        value = getattr(self, name)
        message = (
            f"{name} of {type(self).__name__} must be one of {', '.join(map(repr, allowed))}; "
            f"got {value!r}."
        )
        if not (isinstance(value, str) or (value is None and None in allowed)):
            raise TypeError(message)
        if value not in allowed:
            raise ValueError(message)

    def check_flag(self, name: str) -> None:
        """Raise unless a parameter is True or False.

        Parameters
        ----------
        name : str
            The parameter.

        Raises
        ------
        TypeError
            If it is neither.
        """
        value = getattr(self, name)
        if not isinstance(value, bool | np.bool_):
            raise TypeError(
                f"{name} of {type(self).__name__} must be True or False; got {value!r}."
            )

    def __sklearn_clone__(self) -> Self:
        return copy.deepcopy(self)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(type(self))  # parameters can be set, so the hash must not tell them

    def __repr__(self) -> str:
        params = ", ".join(f"{k}={v!r}" for k, v in self.get_params().items())
        return f"{type(self).__name__}({params})"
