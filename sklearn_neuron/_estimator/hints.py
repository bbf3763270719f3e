"""Hints: what names from other libraries are called here."""

from __future__ import annotations

import functools
import inspect
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


def hinted(cls: type[Estimator]) -> type[Estimator]:
    """Let the constructor say what an unknown parameter is called here."""
    own = cls.__init__
    names = inspect.signature(own).parameters

    @functools.wraps(own)
    def init(self: Any, *args: Any, **params: Any) -> None:
        for name in [name for name in params if name not in names]:
            hint = f" Here it is {PARAMETERS[name]}." if name in PARAMETERS else ""
            raise TypeError(f"{type(self).__name__} has no parameter {name!r}.{hint}")
        own(self, *args, **params)

    cls.__init__ = init  # type: ignore[method-assign]
    return cls
