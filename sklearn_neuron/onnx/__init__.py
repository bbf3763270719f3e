"""ONNX: fitted estimators as graphs that other programs predict with, without this package.

``to_onnx`` converts one estimator. ``register`` tells skl2onnx about the estimators, so that it
converts the pipelines, searches and ensembles that contain them. Both write the same graph. The
package onnx is needed when they are called, and skl2onnx for ``register``: ``pip install onnx
skl2onnx``.
"""

from sklearn_neuron.onnx._export import to_onnx
from sklearn_neuron.onnx._registration import register

__all__ = ["register", "to_onnx"]
