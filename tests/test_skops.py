"""skops: an estimator is loaded by trusting its class, and nothing else of this package."""

import pytest
from helpers import weights_of
from numpy.testing import assert_array_equal
from test_saving import CASES, X, fitted

sio = pytest.importorskip("skops.io")

#: The public classes of the objects that users give as parameters.
OBJECTS = {
    "averaged": {"sklearn_neuron.optimizers.SGD"},
    "recorded": {"sklearn_neuron.records.Record"},
    "objects": {
        "sklearn_neuron.activations.LeakyReLU",
        "sklearn_neuron.optimizers.Adam",
        "sklearn_neuron.schedules.Cosine",
    },
    "huber": {"sklearn_neuron.losses.Huber"},
}


@pytest.mark.parametrize("name", CASES)
def test_only_the_estimator_has_to_be_trusted(name):
    model, y = fitted(name)
    file = sio.dumps(model)
    trusted = sio.get_untrusted_types(data=file)
    own = f"{type(model).__module__}.{type(model).__name__}"
    extra = {kind for kind in trusted if kind.startswith("sklearn_neuron") and kind != own}
    assert own in trusted
    assert extra == OBJECTS.get(name, set())
    assert set(trusted) - extra - {own} == set()
    again = sio.loads(file, trusted=trusted)
    assert_array_equal(again.predict(X), model.predict(X))
    if hasattr(model, "partial_fit"):
        for each in (model, again):
            each.partial_fit(X, y)
        assert_array_equal(weights_of(again), weights_of(model))
