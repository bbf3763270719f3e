"""
=====================================
What goes wrong: diagnosing a network
=====================================

A network of four hidden layers learns handwritten digits with a learning rate that is too large,
and its units die. :func:`~sklearn_neuron.inspection.diagnose` says so in words, and the displays
show where: layer by layer and epoch by epoch, row by row, weight by weight.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sklearn_neuron import ManualMLPClassifier
from sklearn_neuron.exceptions import DivergenceError
from sklearn_neuron.inspection import (
    DiagnosisDisplay,
    LearningRateRangeDisplay,
    RowsDisplay,
    WeightsDisplay,
    diagnose,
)

X, y = load_digits(return_X_y=True)
X /= 16
deep = ManualMLPClassifier(
    (64, 64, 64, 64), solver="sgd", batch_size=32, max_iter=20, tol=None, record="epoch"
)

# %%
# Which units die depends on the random start, and some starts diverge altogether: the first one
# that ends with less than half of the digits right is shown.
for seed in range(7, 30):
    dead = deep.set_params(eta=0.6, random_state=seed)
    try:
        dead.fit(X, y)
    except DivergenceError:
        continue
    if dead.score(X, y) < 0.5:
        break
diagnosis = diagnose(dead, X, y)
print(f"accuracy {dead.score(X, y):.0%}\n")
print(diagnosis)
assert diagnosis.dead[-1, :4].max() > 0.5
assert "eta=0.6 is probably too large" in diagnosis.findings[0]

# %%
# Epoch by epoch: few units are dead at the start, which is epoch -1. Each jump of the loss leaves
# more of them behind, and a dead unit passes nothing back to the layers below it.
DiagnosisDisplay.from_estimator(dead, X, y)

# %%
# A learning rate range asks before the training: for each rate a copy trains for two epochs, from
# the same start. The rate 0.6 lies where the loss rises again.
ranges = LearningRateRangeDisplay.from_estimator(dead, X, y)
low, high = ranges.recommended
assert low < high < 0.6

# %%
# With the rate in the middle of the recommended range, nothing is found.
healthy = deep.set_params(eta=(low * high) ** 0.5, random_state=seed).fit(X, y)
DiagnosisDisplay.from_estimator(healthy, X, y)
diagnosis = diagnose(healthy, X, y)
print(diagnosis)
assert not diagnosis.findings
assert healthy.score(X, y) > 0.95

# %%
# The rows that are left to learn: the true digit, what is predicted instead, the loss ℓ and the
# length of its gradient. More ink where it is red (+) would raise the loss, where it is blue (−)
# lower it.
RowsDisplay.from_estimator(healthy, X, y, image_shape=(8, 8))

# %%
# The weights of each layer, at the start and after the training. Those of each unit of the first
# layer are an image, light where they are positive. A penalty keeps them from noise.
small = ManualMLPClassifier((16,), alpha=0.01, record="epoch", random_state=0).fit(X, y)
WeightsDisplay.from_estimator(small, image_shape=(8, 8))
plt.show()
