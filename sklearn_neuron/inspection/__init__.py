"""Inspection: look inside an estimator, in numbers, tables and pictures.

``check_gradient`` holds backpropagation against differences, ``backprop_trace`` shows every
quantity of both sweeps, ``journal`` lists the parameters that training went through. The
displays draw the loss curve, the journal, and the loss surface with the path taken on it.
Decision regions are scikit-learn's own ``DecisionBoundaryDisplay``.
"""

from sklearn_neuron.inspection._gradient import GradientCheck, check_gradient
from sklearn_neuron.inspection._journal import journal
from sklearn_neuron.inspection._journal_display import JournalDisplay
from sklearn_neuron.inspection._loss_curve import LossCurveDisplay
from sklearn_neuron.inspection._loss_surface import LossSurfaceDisplay
from sklearn_neuron.inspection._trace import BackpropTrace, backprop_trace

__all__ = [
    "BackpropTrace",
    "GradientCheck",
    "JournalDisplay",
    "LossCurveDisplay",
    "LossSurfaceDisplay",
    "backprop_trace",
    "check_gradient",
    "journal",
]
