"""Hints: what names from other libraries are called here."""

from __future__ import annotations

import difflib
import functools
import inspect
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sklearn_neuron.activations import ACTIVATIONS
from sklearn_neuron.components import Component
from sklearn_neuron.losses import LOSSES
from sklearn_neuron.optimizers import OPTIMIZERS
from sklearn_neuron.records import RECORDS
from sklearn_neuron.schedules import SCHEDULES

Estimator = TypeVar("Estimator")

#: Parameters by the names that other libraries give them.
PARAMETERS = {
    "C": "alpha = 1 / (C * n_samples)",
    "penalty": "alpha and, for neurons, l1_ratio",
    "learning_rate_init": "eta",
    "learning_rate": "eta; a schedule is set with schedule",
    "lr": "eta",
    "eta0": "eta",
    "power_t": "schedule=InverseScaling(power)",
    "momentum": "solver=SGD(momentum=...)",
    "nesterovs_momentum": "solver=SGD(momentum=..., nesterov=True)",
    "beta_1": "solver=Adam(beta_1=...)",
    "beta_2": "solver=Adam(beta_2=...)",
    "epsilon": "solver=Adam(epsilon=...)",
    "average": "solver=SGD(average=...)",
    "weight_decay": "solver=AdamW(weight_decay=...)",
    "optimizer": "solver",
    "hidden_layers": "hidden_layer_sizes",
    "hidden_units": "hidden_layer_sizes",
    "epochs": "max_iter",
    "n_epochs": "max_iter",
    "max_epochs": "max_iter",
    "n_iter": "max_iter",
    "minibatches": "batch_size",
    "l2": "alpha",
    "patience": "n_iter_no_change",
    "seed": "random_state",
    "random_seed": "random_state",
    "print_progress": "verbose",
    "engine": "sklearn_neuron.set_config(engine=...)",
}
#: Objects whose parameters can be set, by the parameter that they are given as.
OBJECTS: Mapping[str, Mapping[str, Any]] = {
    "solver": OPTIMIZERS,
    "schedule": SCHEDULES,
    "loss": LOSSES,
    "activation": ACTIVATIONS,
    "record": RECORDS,
}
#: Values by the names that other libraries give them, for each parameter.
VALUES: dict[str, dict[str, str]] = {
    "activation": {"sigmoid": "'logistic'", "swish": "'silu'", "linear": "'identity'"},
    "batch_size": {"auto": "200, as in MLPClassifier; above n_samples it means all samples"},
    "schedule": {"adaptive_rate": "'adaptive'", "step": "'exponential'"},
    "solver": {
        "liblinear": "'lbfgs'",
        "saga": "'sgd'",
        "sag": "'sgd'",
        "newton-cholesky": "'newton'",
        "asgd": "SGD(average=True)",
    },
    "loss": {"log_loss": "'cross_entropy'", "mse": "'squared_error'", "mae": "'absolute_error'"},
    "init": {"glorot": "'glorot_uniform'", "xavier": "'glorot_uniform'", "he": "'he_normal'"},
}


#: Values that another parameter has to be set for, or that have no equivalent.
OTHERS: Mapping[tuple[str, Any], str] = {
    ("eta", "auto"): (
        "'auto' is for SigmoidNeuronRegressor and LogisticNeuronClassifier; here it is a number."
    ),
    ("n_iter_no_change", math.inf): "Here it is tol=None, which runs max_iter epochs.",
    ("schedule", "optimal"): (
        "It has no equivalent here; schedule=InverseScaling(1.0), whose rate falls with the "
        "inverse of the number of epochs, is the nearest."
    ),
}


def of_value(name: str, value: Any) -> str:
    """Return what a value of a parameter is called here, as a sentence, or an empty string."""
    if not isinstance(value, str | float):
        return ""
    if (name, value) in OTHERS:
        return f" {OTHERS[name, value]}"
    known = VALUES.get(name, {}).get(str(value))
    return f" Here it is {name}={known}." if known else ""


def of_parameter(name: str, names: Sequence[str]) -> str:
    """Return what an unknown parameter may be called here, as a sentence."""
    if name in PARAMETERS:
        return f"Here it is {PARAMETERS[name]}."
    if close := difflib.get_close_matches(name, names, n=1):
        return f"Did you mean {close[0]!r}?"
    return f"Its parameters are {', '.join(names)}."


def refuse_unknown(estimator: Any, params: Iterable[str]) -> None:
    """Raise a ValueError for names that are no parameters of an estimator, as scikit-learn does."""
    names = list(estimator.get_params(deep=False))
    for name in params:
        own = name.partition("__")[0]
        if own not in names:
            hint = of_parameter(own, names)
            raise ValueError(f"Invalid parameter {own!r} for estimator {estimator}. {hint}")


def refuse_nested(estimator: Any, params: Mapping[str, Any]) -> None:
    """Raise a ValueError for parameters of an object in whose place there is none."""
    for name, value in params.items():
        owner, _, inner = name.partition("__")
        held = params.get(owner, getattr(estimator, owner, None))
        if not inner or hasattr(held, "set_params"):
            continue
        advice = f"{owner} takes no object with parameters."
        if owner in OBJECTS:
            advice = of_object(owner, inner, value, held, objects_of(estimator, owner))
        kind = "the name " if isinstance(held, str) else ""
        raise ValueError(
            f"{name} cannot be set: {owner} of {type(estimator).__name__} is {kind}{held!r}, which "
            f"has no parameters. {advice}"
        )


def objects_of(estimator: Any, owner: str) -> dict[str, type[Component]]:
    """Return the classes of the objects that a parameter may be, by the names it may be."""
    allowed = estimator._constraints[owner].allows
    return {
        name: one if isinstance(one, type) else type(one)
        for name, one in OBJECTS[owner].items()
        if allowed(name)
    }


def of_object(
    owner: str, inner: str, value: Any, held: Any, objects: Mapping[str, type[Component]]
) -> str:
    """Return which object has a parameter, in place of what is held, as sentences."""
    having = [name for name, cls in objects.items() if inner in cls._parameter_names()]
    if not having:
        known = sorted({each for cls in objects.values() for each in cls._parameter_names()})
        return (
            f"No object that {owner} may be has a parameter {inner!r}; theirs are "
            f"{', '.join(known)}."
        )
    if hasattr(held, "__len__") and not isinstance(held, str):  # an object for each layer
        example = f"{objects[having[0]].__name__}({inner}={value!r})"
        return f"Set it where the objects are made, as in {owner}=[{example}]."
    chosen, others = held, ""
    if held not in having:
        chosen = having[0]
        names = dict.fromkeys(objects[name].__name__ for name in having)
        have = "has" if len(names) == 1 else "have"
        others = f"Of what {owner} may be, {' and '.join(names)} {have} {inner!r}. "
    example = f"{objects[chosen].__name__}({repr(chosen) if owner == 'record' else ''})"
    return (
        f"{others}Give an object in its place, as in {owner}={example}, and then set "
        f"{owner}__{inner}={value!r}."
    )


def hinted(cls: type[Estimator]) -> type[Estimator]:
    """Let the constructor say what an unknown parameter is called here."""
    own = cls.__init__
    names = inspect.signature(own).parameters

    @functools.wraps(own)
    def init(self: Any, *args: Any, **params: Any) -> None:
        for name in [name for name in params if name not in names]:
            hint = of_parameter(name, list(names)[1:])
            raise TypeError(f"{type(self).__name__} has no parameter {name!r}. {hint}")
        own(self, *args, **params)

    cls.__init__ = init  # type: ignore[method-assign]
    return cls
