"""What is said to those who know parameters by the names of other libraries."""

import inspect

import pytest
from helpers import ESTIMATORS
from sklearn.base import clone

from sklearn_neuron import SGD, LogisticNeuronClassifier, ManualMLPClassifier
from sklearn_neuron._estimator.hints import PARAMETERS, VALUES

X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("C", r"alpha = 1 / \(C \* n_samples\)"),
        ("learning_rate_init", "eta"),
        ("hidden_layers", "hidden_layer_sizes"),
    ],
)
def test_of_parameters(name, hint):
    with pytest.raises(TypeError, match=rf"has no parameter '{name}'. Here it is {hint}\."):
        ManualMLPClassifier(**{name: 1})


def test_of_parameters_that_nobody_knows():
    known = r"Its parameters are eta, .*, verbose\."
    with pytest.raises(TypeError, match=rf"^LogisticNeuronClassifier has .* 'colour'\. {known}$"):
        LogisticNeuronClassifier(colour="red")


@pytest.mark.parametrize(
    ("name", "close"),
    [("max_iters", "max_iter"), ("random_sate", "random_state"), ("bach_size", "batch_size")],
)
def test_of_parameters_that_are_misspelled(name, close):
    with pytest.raises(TypeError, match=rf"has no parameter '{name}'. Did you mean '{close}'\?"):
        ManualMLPClassifier(**{name: 1})


@pytest.mark.parametrize(
    ("name", "inner", "example"),
    [
        ("solver", "momentum", r"solver=SGD\(\)"),
        ("schedule", "warmup", r"schedule=Cosine\(\)"),
        ("loss", "label_smoothing", r"loss=Huber\(\)"),
        ("activation", "c", r"activation=LeakyReLU\(\)"),
        ("record", "every", r"record=Record\('epoch'\)"),
    ],
)
def test_of_parameters_of_an_object_where_there_is_a_name(name, inner, example):
    model = ManualMLPClassifier()
    match = (
        rf"^{name}__{inner} cannot be set: {name} of ManualMLPClassifier is the name .*{example}"
    )
    with pytest.raises(ValueError, match=match):
        model.set_params(**{f"{name}__{inner}": 1})
    assert model.set_params(solver=SGD(), solver__momentum=0.5).solver.momentum == 0.5


@pytest.mark.parametrize(
    ("params", "hint"),
    [
        ({"activation": "sigmoid"}, "activation='logistic'"),
        ({"batch_size": "auto"}, "batch_size=32"),
        ({"solver": "asgd"}, r"solver=SGD\(average=True\)"),
        ({"schedule": "optimal"}, "schedule='invscaling'"),
    ],
)
def test_of_values(params, hint):
    with pytest.raises((TypeError, ValueError), match=f"Here it is {hint}"):
        ManualMLPClassifier(**params).fit(X, y)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_signature_is_as_it_was(cls):
    parameters = inspect.signature(cls).parameters
    assert "eta" in parameters
    assert not parameters.keys() & PARAMETERS.keys()
    assert clone(cls(eta=0.3)).get_params()["eta"] == 0.3
    for name in VALUES.keys() & parameters.keys():
        assert getattr(cls(), name) not in VALUES[name]
