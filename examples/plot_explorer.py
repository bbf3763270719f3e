"""
================================
Going through a network yourself
================================

:func:`~sklearn_neuron.inspection.explore` makes one page of a network: its diagram, its rows, its
loss and its answers at every recorded moment, and all of backpropagation step by step, each formula
with its numbers. The page loads nothing, so it can be saved, sent and opened anywhere.
"""

# sphinx_gallery_capture_repr = ("_repr_html_",)

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_neuron import ManualMLPClassifier
from sklearn_neuron.inspection import explore

# %%
# A network 64→32→10 learns to read handwritten digits. ``record="epoch"`` keeps its parameters
# after each of the 50 epochs, and the loss of held-out digits is followed, too.
X, y = load_digits(return_X_y=True)
X, X_val, y, y_val = train_test_split(X / 16, y, random_state=0)
network = ManualMLPClassifier(
    (32,), eta=0.002, max_iter=50, tol=None, record="epoch", random_state=0
).fit(X, y, X_val=X_val, y_val=y_val)
print(f"accuracy on held-out digits {network.score(X_val, y_val):.3f}")
assert network.score(X_val, y_val) > 0.95

# %%
# The page has the hardest digits, the wrong ones first. With ``image_shape`` a row is shown as an
# image, beside the weights of the unit that you select, and their product. Move the slider to the
# start of training, or press **Next** in *Step by step* to follow one digit forward, and its error
# δ backward, down to the update of a weight.
explore(network, X_val, y_val, image_shape=(8, 8), title="Reading digits")

# %%
# ``explore(…).save("digits.html")`` writes the page to a file, ``.open()`` opens it in the browser.
# With ``live=True`` a page also trains: see :ref:`sphx_glr_auto_examples_plot_xor.py`.
