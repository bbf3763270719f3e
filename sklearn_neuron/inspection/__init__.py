"""Inspection: look inside an estimator, with numbers, tables, plots and a page to explore.

``explore`` makes a page that goes through training, step by step. ``diagnose`` measures how each
layer learns and says in words what goes wrong. ``check_gradient`` checks backpropagation against
finite differences, ``backprop_trace`` shows every quantity of the forward and the backward pass,
``journal`` lists the parameters recorded during training, and ``at`` gives the estimator as it was
then. The displays plot the network and its computational graph, the loss curve, the journal, the
loss surface with the path of training, the diagnosis, the weights, the hardest rows, the loss
against the learning rate, and searches. For decision regions use scikit-learn's own
``DecisionBoundaryDisplay``.
"""

from sklearn_neuron.inspection._at import at
from sklearn_neuron.inspection._diagnosis.diagnose import Diagnosis, diagnose
from sklearn_neuron.inspection._diagnosis.diagnosis_display import DiagnosisDisplay
from sklearn_neuron.inspection._diagnosis.learning_rate_range import LearningRateRangeDisplay
from sklearn_neuron.inspection._diagnosis.rows_display import RowsDisplay
from sklearn_neuron.inspection._diagnosis.weights_display import WeightsDisplay
from sklearn_neuron.inspection._diagrams.graph_display import GraphDisplay
from sklearn_neuron.inspection._diagrams.network_display import NetworkDisplay
from sklearn_neuron.inspection._explorer.explorer import Explorer, explore
from sklearn_neuron.inspection._gradient import GradientCheck, check_gradient
from sklearn_neuron.inspection._journal import journal
from sklearn_neuron.inspection._journal_display import JournalDisplay
from sklearn_neuron.inspection._loss_curve import LossCurveDisplay
from sklearn_neuron.inspection._loss_surface import LossSurfaceDisplay
from sklearn_neuron.inspection._searches.search_display import SearchDisplay
from sklearn_neuron.inspection._trace import BackpropTrace, backprop_trace

__all__ = [
    "BackpropTrace",
    "Diagnosis",
    "DiagnosisDisplay",
    "Explorer",
    "GradientCheck",
    "GraphDisplay",
    "JournalDisplay",
    "LearningRateRangeDisplay",
    "LossCurveDisplay",
    "LossSurfaceDisplay",
    "NetworkDisplay",
    "RowsDisplay",
    "SearchDisplay",
    "WeightsDisplay",
    "at",
    "backprop_trace",
    "check_gradient",
    "diagnose",
    "explore",
    "journal",
]
