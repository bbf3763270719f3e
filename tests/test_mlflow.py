"""MLflow: its flavor for scikit-learn saves and loads the estimators, and so does its pyfunc."""

import pytest
from helpers import blocks_of
from numpy.testing import assert_array_equal
from test_saving import X, fitted

mlflow = pytest.importorskip("mlflow")
flavor = pytest.importorskip("mlflow.sklearn")
pytest.importorskip("skops")
# MLflow reads the type hints of its own pyfunc models
pytestmark = pytest.mark.filterwarnings("ignore:.*type hint.*is inferred as AnyType:UserWarning")
TRUSTED = ["sklearn_neuron.mlp.ManualMLPClassifier"]


@pytest.fixture(scope="module")
def network():
    return fitted("default network")[0]


def test_only_the_public_class_has_to_be_trusted(network, tmp_path):
    with pytest.raises(mlflow.exceptions.MlflowException, match=r"file: \['sklearn_neuron\.mlp\.M"):
        flavor.save_model(network, str(tmp_path / "a"))


@pytest.mark.parametrize(
    "options", [{"skops_trusted_types": TRUSTED}, {"serialization_format": "cloudpickle"}]
)
def test_a_model_comes_back(network, options, tmp_path):
    path = str(tmp_path / "model")
    flavor.save_model(network, path, pip_requirements=[], **options)
    assert_array_equal(flavor.load_model(path).predict_proba(X), network.predict_proba(X))
    assert_array_equal(mlflow.pyfunc.load_model(path).predict(X), network.predict(X))


def test_a_model_is_logged(network, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database needs all of MLflow
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    try:
        mlflow.set_experiment("of a test")
        with mlflow.start_run():
            logged = flavor.log_model(
                network, name="network", pip_requirements=[], skops_trusted_types=TRUSTED
            )
        loaded = flavor.load_model(logged.model_uri)
    finally:
        mlflow.set_tracking_uri(before)
    assert_array_equal(loaded.predict(X), network.predict(X))


def test_the_guide(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec("\n".join(blocks_of("saving")), {})
    assert capsys.readouterr().out == f"{TRUSTED}\n"
