"""Neurons and multi-layer perceptrons for scikit-learn, with backpropagation by hand."""

from sklearn_neuron._config import config_context, get_config, set_config
from sklearn_neuron._show_versions import show_versions
from sklearn_neuron.mlp import ManualMLPClassifier, ManualMLPRegressor
from sklearn_neuron.neuron import (
    LogisticNeuronClassifier,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)
from sklearn_neuron.optimizers import SGD, Adam, AdamW, RMSprop
from sklearn_neuron.records import Record

__version__ = "0.1.0.dev0"

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "LogisticNeuronClassifier",
    "ManualMLPClassifier",
    "ManualMLPRegressor",
    "PerceptronClassifier",
    "RMSprop",
    "Record",
    "SigmoidNeuronRegressor",
    "config_context",
    "get_config",
    "set_config",
    "show_versions",
]
