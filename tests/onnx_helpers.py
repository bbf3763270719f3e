"""What the tests of ONNX share: a model run by onnxruntime, and answers compared."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

#: How far apart numbers may be: absolutely, and in relation to numbers above 1.
TOLERANCE = {np.dtype(np.float64): 6e-14, np.dtype(np.float32): 5e-6}
ANSWERS = {
    "prediction": "predict",
    "label": "predict",
    "probabilities": "predict_proba",
    "scores": "decision_function",
}


def serve(model, X):
    """Check a model, and return its outputs by name."""
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    given = X if isinstance(X, dict) else {"X": X}
    return dict(zip(names, session.run(None, given), strict=True))


def assert_close(actual, desired, dtype, scale=1.0):
    """Assert that numbers are equal up to what their dtype allows."""
    tolerance = TOLERANCE[np.dtype(dtype)]
    assert_allclose(actual, desired, rtol=tolerance, atol=tolerance * scale)


def assert_answers(estimator, model, X, scale=1.0):
    """Assert that a model answers as the estimator's methods do, in values, shapes and dtypes."""
    outputs = serve(model, X)
    assert len(outputs) == len(model.graph.output) > 0
    for name, answer in outputs.items():
        expected = getattr(estimator, ANSWERS[name])(X.astype(np.float64))
        assert answer.shape == expected.shape
        if name == "label":
            assert_array_equal(answer, expected)
            assert answer.dtype == expected.dtype or answer.dtype.kind == "O"
        else:
            assert answer.dtype == X.dtype
            assert_close(answer, expected, X.dtype, scale)
    return outputs
