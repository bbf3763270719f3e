"""
========================================
Overfitting and restoring the best epoch
========================================

A wide network learns handwritten digits, one fifth of which were given random labels. At first it
learns what digits look like; then it memorizes the wrong labels. The training loss keeps falling,
while the loss and the error rate on unseen data rise.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sklearn_neuron import AdamW, ManualMLPClassifier
from sklearn_neuron.inspection import LossCurveDisplay
from sklearn_neuron.losses import CrossEntropy

# %%
# Half of the samples are used for training. A quarter is the validation set that selects the epoch
# (its labels are equally noisy). A quarter with true labels is the test set, used for no selection.
rng = np.random.default_rng(0)
X, true = load_digits(return_X_y=True)
noisy = np.where(rng.random(len(true)) < 0.2, rng.integers(0, 10, len(true)), true)
X, X_test, y, _, _, y_test = train_test_split(X / 16, noisy, true, random_state=0, stratify=true)
X, X_val, y, y_val = train_test_split(X, y, test_size=1 / 3, random_state=0, stratify=y)

# %%
# The same network is trained twice for 60 epochs: plain, and with weight decay, dropout of half of
# the hidden units, and smoothed labels that assign 91 % to the class of each sample.
plain = ManualMLPClassifier((400,), eta=0.004, max_iter=60, tol=None, random_state=0)
regularized = clone(plain).set_params(
    solver=AdamW(weight_decay=0.3), dropout=0.5, loss=CrossEntropy(label_smoothing=0.1)
)
networks = {"plain": plain, "regularized": regularized}
loss, right = {}, {}
for name, network in networks.items():
    network.fit(X, y, X_val=X_val, y_val=y_val)
    last = clone(network).fit(X, y)  # no validation set: the same training, to its last epoch
    assert last.loss_curve_.tolist() == network.loss_curve_.tolist()
    loss[name] = [log_loss(y_val, model.predict_proba(X_val)) for model in (network, last)]
    right[name] = [model.score(X_test, y_test) for model in (network, last)]
    print(f"{name}: best epoch {network.best_iter_}, accuracy {network.best_validation_score_:.3f}")
    print(
        "  validation log loss of the best and the last epoch: {:.3f}, {:.3f}".format(*loss[name])
    )
    print("  test accuracy, true labels, of the same: {:.3f}, {:.3f}".format(*right[name]))

    # the fitted network is that of the best epoch, which has the highest validation accuracy
    assert network.score(X_val, y_val) == network.best_validation_score_
    assert network.best_validation_score_ == max(network.validation_scores_)
    assert network.validation_scores_[network.best_iter_] == network.best_validation_score_

validation, training = plain.validation_loss_curve_, plain.loss_curve_
assert validation[-1] > 1.5 * min(validation)
assert training[-1] < 0.3 * training[np.argmin(validation)]
assert right["plain"][0] > right["plain"][1] + 0.05
assert regularized.best_validation_score_ >= plain.best_validation_score_
assert loss["regularized"][0] <= loss["plain"][0]

# %%
# Solid lines show the training loss (with dropout active), dashed lines the validation loss. The
# star marks the best epoch, chosen by accuracy with ties broken by loss, so it need not be the
# lowest point. ``fit`` restores it: the last epoch is best on the training data only. Label
# smoothing raises both curves, so the log losses printed above are computed without it.
figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
colours = {"plain": "#D55E00", "regularized": "#0072B2"}
for axis, (name, network) in zip(axes, networks.items(), strict=False):
    LossCurveDisplay.from_estimator(network, ax=axis, name=name, color=colours[name])
    axis.set(ylim=(0, 2.4), title=f"The loss, {name}")
    scores, best = network.validation_scores_, network.best_iter_
    axes[2].plot(scores, "--", color=colours[name], label=f"{name}, validation")
    axes[2].plot(best, scores[best], "*", color=colours[name], mec="black", ms=13)
axes[2].set(xlabel="epoch", title="The validation accuracy", ylim=(0.6, 0.85))
axes[2].legend()
plt.show()
