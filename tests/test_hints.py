"""What is said to those who know parameters by the names of other libraries."""

import inspect

import numpy as np
import pytest
from helpers import ESTIMATORS
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import sklearn_neuron
from sklearn_neuron import (
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    SigmoidNeuronRegressor,
)
from sklearn_neuron._estimator.hints import OTHERS, PARAMETERS, VALUES
from sklearn_neuron.activations import ELU

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
    ("name", "hint"),
    [
        ("learning_rate_init", r"Here it is eta\."),
        ("max_iters", "Did you mean 'max_iter'"),
        ("colour", r"Its parameters are activation, .*, warm_start\."),
        ("colour__of", "Its parameters are"),
        ("C__of", "Here it is alpha = "),
    ],
)
def test_of_parameters_that_are_set(name, hint):
    model = ManualMLPClassifier(eta=0.3)
    match = rf"Invalid parameter '{name.partition('__')[0]}' for estimator .*eta=0\.3.*\. {hint}"
    with pytest.raises(ValueError, match=match):
        model.set_params(max_iter=7, **{name: 1})
    assert model.max_iter == 200
    search = GridSearchCV(model, {name: [1]}, cv=2, error_score="raise")
    with pytest.raises(ValueError, match=match):
        search.fit(X, y)


@pytest.mark.parametrize(
    ("params", "nested", "example", "others"),
    [
        ({"loss": "quantile"}, "loss__quantile", "Quantile()", ""),
        ({"loss": "huber"}, "loss__threshold", "Huber()", ""),
        ({}, "loss__threshold", "Huber()", "Huber has"),
        ({"solver": "adam"}, "solver__beta_1", "Adam()", ""),
        ({"solver": "adamw"}, "solver__weight_decay", "AdamW()", ""),
        ({"solver": "adam"}, "solver__weight_decay", "AdamW()", "AdamW has"),
        ({"solver": "lbfgs"}, "solver__beta_1", "Adam()", "Adam and AdamW have"),
        ({"activation": "elu"}, "activation__c", "ELU()", ""),
        ({"activation": "relu"}, "activation__c", "ELU()", "ELU has"),
        ({"activation": "leaky_relu"}, "activation__negative_slope", "LeakyReLU()", ""),
        ({}, "schedule__warmup", "Cosine()", "Cosine has"),
        ({"schedule": "cosine"}, "schedule__warmup", "Cosine()", ""),
        ({"record": "epoch"}, "record__every", "Record('epoch')", ""),
    ],
)
def test_of_parameters_of_an_object_where_there_is_a_name(params, nested, example, others):
    model, (name, _, inner) = ManualMLPRegressor(**params), nested.partition("__")
    with pytest.raises(ValueError, match="cannot be set") as caught:
        model.set_params(**{nested: 0.5})
    said = str(caught.value)
    assert f"{name} of ManualMLPRegressor is the name {getattr(model, name)!r}, which" in said
    assert f"as in {name}={example}, and then set {nested}=0.5." in said
    assert f"{others} {inner!r}. Give" in said if others else "Of what" not in said
    known = vars(sklearn_neuron) | vars(sklearn_neuron.losses) | vars(sklearn_neuron.schedules)
    known |= vars(sklearn_neuron.activations)
    given = model.set_params(**{name: eval(example, known)}).set_params(**{nested: 0.5})
    assert given.get_params()[nested] == 0.5


@pytest.mark.parametrize(
    ("params", "nested", "advice"),
    [
        ({}, "loss__quantile", "No object that loss may be has a parameter 'quantile'; theirs are"),
        ({}, "solver__speed", "No object that solver may be .*are average, beta_1, .*weight_decay"),
        ({"activation": [ELU()]}, "activation__c", r"as in activation=\[ELU\(c=2.0\)\]"),
        ({"activation": np.array(["elu", "relu"])}, "activation__c", r"as in activation=\[ELU\("),
        ({"batch_size": None}, "batch_size__of", "batch_size takes no object"),
    ],
)
def test_of_parameters_that_no_object_can_have(params, nested, advice):
    with pytest.raises(ValueError, match=f"^{nested} cannot be set: .*{advice}"):
        ManualMLPClassifier(**params).set_params(**{nested: 2.0})


@pytest.mark.parametrize(
    ("params", "hint"),
    [
        ({"activation": "sigmoid"}, "Here it is activation='logistic'"),
        ({"batch_size": "auto"}, "Here it is batch_size=200, as in MLPClassifier"),
        ({"solver": "asgd"}, r"Here it is solver=SGD\(average=True\)"),
        ({"schedule": "optimal"}, r"no equivalent here; schedule=InverseScaling\(1\.0\)"),
        ({"n_iter_no_change": np.inf}, "Here it is tol=None"),
        ({"eta": "auto"}, "'auto' is for SigmoidNeuronRegressor and LogisticNeuronClassifier"),
    ],
)
def test_of_values(params, hint):
    with pytest.raises((TypeError, ValueError), match=hint):
        ManualMLPClassifier(**params).fit(X, y)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_signature_is_as_it_was(cls):
    parameters = inspect.signature(cls).parameters
    assert "eta" in parameters
    assert not parameters.keys() & PARAMETERS.keys()
    assert clone(cls(eta=0.3)).get_params()["eta"] == 0.3
    for name in VALUES.keys() & parameters.keys():
        assert getattr(cls(), name) not in VALUES[name]
    for name, value in OTHERS:
        if getattr(cls(), name, None) == value:
            assert (name, value) == ("eta", "auto")
            assert cls in (SigmoidNeuronRegressor, LogisticNeuronClassifier)
