"""
==============================
Serving with onnxruntime alone
==============================

A pipeline is trained and exported. Then a process of its own serves it, with onnxruntime and NumPy
and without this package and scikit-learn. The example needs ``onnx``, ``skl2onnx`` and
``onnxruntime``; see :ref:`guide-onnx`.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import skl2onnx
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import ManualMLPClassifier
from sklearn_neuron.onnx import register

folder = Path(tempfile.mkdtemp())

# %%
# Train. Labels are words, to show that the exported model returns them.
X, digits = load_digits(return_X_y=True)
names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
y = np.array(names)[digits]
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
network = ManualMLPClassifier((50,), max_iter=20, tol=None, random_state=0)
model = make_pipeline(StandardScaler(), network).fit(X_train, y_train)
print(f"accuracy {model.score(X_test, y_test):.3f}")

# %%
# Export: one call of ``register``, then skl2onnx as for any other pipeline.
register()
options = {"zipmap": False}  # probabilities as an array, not as dicts
exported = skl2onnx.to_onnx(model, X_train[:1], target_opset=18, options=options)
(folder / "digits.onnx").write_bytes(exported.SerializeToString())
np.save(folder / "X.npy", X_test)
print(f"{(folder / 'digits.onnx').stat().st_size / 1000:.1f} kB")

# %%
# Serve. The process asserts at its end that it has imported neither package.
SERVER = """
import sys, time, numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession("digits.onnx", options)
X = numpy.load("X.npy")
for row in X: session.run(None, {"X": row[None]})  # warm up
start = time.process_time()
for row in X: session.run(None, {"X": row[None]})
print(1e6 * (time.process_time() - start) / len(X))
label, probabilities = session.run(None, {"X": X})
numpy.savez("answers.npz", label=label.astype(str), probabilities=probabilities)
assert not {"sklearn_neuron", "sklearn", "onnx"} & sys.modules.keys()
"""
run = [sys.executable, "-I", "-c", SERVER]
served = float(subprocess.run(run, cwd=folder, check=True, stdout=subprocess.PIPE).stdout)

# %%
# The answers are those of the pipeline, and a single sample takes a fraction of the time.
answers = np.load(folder / "answers.npz")
assert (answers["label"] == model.predict(X_test)).all()
error = np.abs(answers["probabilities"] - model.predict_proba(X_test)).max()
assert error < 6e-14
start = time.process_time()
for row in X_test:
    model.predict_proba(row[None])
here = 1e6 * (time.process_time() - start) / len(X_test)
print(f"all labels equal; probabilities differ by at most {error:.0e}")
print(f"one sample: {here:.0f} µs in the pipeline, {served:.0f} µs served, {here / served:.0f} x")
