"""Hints: what names from other libraries are called here."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

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
EXAMPLES = {
    "solver": "as in solver=SGD()",
    "schedule": "as in schedule=Cosine()",
    "loss": "as in loss=Huber()",
    "activation": "as in activation=LeakyReLU()",
    "record": "as in record=Record('epoch')",
}
#: Values by the names that other libraries give them, for each parameter.
VALUES: dict[str, dict[str, str]] = {
    "activation": {"sigmoid": "'logistic'", "swish": "'silu'", "linear": "'identity'"},
    "batch_size": {"auto": "32, or None for all samples"},
    "schedule": {"adaptive_rate": "'adaptive'", "step": "'exponential'", "optimal": "'invscaling'"},
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


def of_value(name: str, value: Any) -> str:
    """Return what a value of a parameter is called here, as a sentence, or an empty string."""
    known = VALUES.get(name, {}).get(value) if isinstance(value, str) else None
    return f" Here it is {name}={known}." if known else ""


def of_parameter(name: str, names: Sequence[str]) -> str:
    """Return what an unknown parameter may be called here, as a sentence."""
    if name in PARAMETERS:
        return f"Here it is {PARAMETERS[name]}."
    if close := difflib.get_close_matches(name, names, n=1):
        return f"Did you mean {close[0]!r}?"
    return f"Its parameters are {', '.join(names)}."


def refuse_nested(estimator: Any, params: Mapping[str, Any]) -> None:
    """Raise a ValueError for parameters of an object in whose place there is a name."""
    for name, value in params.items():
        owner, _, inner = name.partition("__")
        held = params.get(owner, getattr(estimator, owner, None)) if inner else None
        if isinstance(held, str) and owner in EXAMPLES:
            raise ValueError(
                f"{name} cannot be set: {owner} of {type(estimator).__name__} is the name "
                f"{held!r}, which has no parameters. Give an object in its place, "
                f"{EXAMPLES[owner]}, and then set {name}={value!r}."
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
