"""Training on a Dask cluster."""

from sklearn_neuron.dask._fit import fit
from sklearn_neuron.dask._predict import predict, predict_proba

__all__ = ["fit", "predict", "predict_proba"]
