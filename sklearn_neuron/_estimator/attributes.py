"""Fitted: from the end of a run to the attributes that users see, and from these to answers.

A subclass says what users call the network's parameters, and in which shapes they see them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_neuron._engine.batches import BLOCK_BYTES, raw_outputs
from sklearn_neuron._engine.history import History, count_on
from sklearn_neuron._engine.training import Run
from sklearn_neuron._estimator.data import FLOATS, Data, DataReader
from sklearn_neuron._estimator.state import Resume
from sklearn_neuron._typing import Array
from sklearn_neuron.activations import Activation
from sklearn_neuron.network import Network, split

Parameters = tuple[list[Array], list[Array]]  # W and b of every layer


class FittedNetwork(DataReader):
    """The part of an estimator that keeps what was learned, and answers by it."""

    n_iter_: int
    engine_: str
    loss_: float
    best_loss_: float
    best_iter_: int
    loss_curve_: list[float]
    history_: dict[str, list[Any]]
    validation_loss_curve_: list[float]
    validation_scores_: list[float]
    best_validation_score_: float
    _resume: Resume

    #: What users call W and b; the fitted attributes have an underscore more.
    _names: ClassVar[tuple[str, str]]

    @abstractmethod
    def _layers(self, named: Mapping[str, Any]) -> Parameters:
        """Return W (n_in, n_out) and b (n_out,) of every layer, from what users see."""

    @abstractmethod
    def _name_parameters(self, coefs: list[Array], intercepts: list[Array]) -> dict[str, Any]:
        """Return W and b in the names and shapes that users see."""

    def _fitted_attributes(self, coefs: list[Array], intercepts: list[Array]) -> dict[str, Any]:
        """Return what ``predict`` needs, from W and b, which are the estimator's own."""
        named = self._name_parameters(coefs, intercepts)
        return {f"{name}_": value for name, value in named.items()}

    def _parameters(self) -> Parameters:
        """Return the fitted W and b of every layer."""
        return self._layers({name: getattr(self, f"{name}_") for name in self._names})

    def _fitted_dtype(self) -> Any:
        return self._parameters()[0][0].dtype

    # ---- at the end of fit ---------------------------------------------------------------------

    def _attributes_at(self, network: Network, theta: Array) -> dict[str, Any]:
        """Return the fitted attributes that ``predict`` needs, for some θ."""
        return self._fitted_attributes(*split(theta.astype(network.dtype), network.layer_sizes))

    def _attach(self, network: Network, data: Data, run: Run, epochs: int) -> None:
        """Set the fitted attributes from the last complete epoch, or from the best one.

        ``epochs`` is by how many the schedule has gone on.
        """
        fitted = run.fitted(run.theta, run.state)
        for name, value in self._attributes_at(network, fitted).items():
            setattr(self, name, value)
        if fitted is not run.theta:
            run.state["iterate"] = run.theta
        self.n_iter_, self.engine_ = len(run.losses), run.engine
        # by default a partial_fit keeps its own pass only, so that pickles do not grow
        append = data.resume and (run.history.keeps_parameters or not data.one_pass)
        losses = self.loss_curve_ if append else []
        self._attach_history(network, run.history, len(losses), append)
        self.loss_curve_ = losses + run.losses
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else float("nan")
        self.best_loss_ = min(self.loss_curve_, default=float("nan"))
        self.best_iter_ = int(np.argmin(self.loss_curve_)) if self.loss_curve_ else 0
        self._attach_held_out(run, len(losses), append)
        data.place.leave(run.state, epochs, run.plateaus)
        self._resume = data.place

    def _attach_held_out(self, run: Run, first_epoch: int, append: bool) -> None:
        """Set what was measured on held-out rows, or remove what an earlier fit has left."""
        if run.held_out is None:
            for name in ("validation_loss_curve_", "validation_scores_", "best_validation_score_"):
                self.__dict__.pop(name, None)
            return
        n = len(run.losses)  # an interrupt may have come between a look and its epoch's end
        for name, values in (
            ("validation_loss_curve_", run.held_out.losses[:n]),
            ("validation_scores_", run.held_out.scores[:n]),
        ):
            earlier = getattr(self, name, []) if append else []
            unknown = [float("nan")] * (first_epoch - len(earlier))  # epochs without held-out rows
            setattr(self, name, earlier + unknown + values)
        self.best_validation_score_ = float("nan")
        if run.held_out.best >= 0:
            self.best_iter_ = first_epoch + run.held_out.best
            self.best_validation_score_ = run.held_out.scores[run.held_out.best]

    def _attach_history(
        self, network: Network, history: History, first_epoch: int, append: bool
    ) -> None:
        """Set ``history_`` and ``start_``: parameters in the names and shapes that users see."""
        columns, start = history.columns(), {}
        if history.start is not None:
            start, *rows = (
                self._name_parameters(*split(theta, network.layer_sizes))
                for theta in (history.start, *(row["theta"] for row in history.rows))
            )
            columns.update({name: [row[name] for row in rows] for name in start})
        count_on(columns, first_epoch, self.history_ if append else {})
        if append and self.history_.keys() == columns.keys():
            columns = {name: self.history_[name] + column for name, column in columns.items()}
        elif start:
            self.start_ = start
        else:
            self.__dict__.pop("start_", None)
        self.history_ = columns

    # ---- after fit -----------------------------------------------------------------------------

    def _raw_output(self, X: Any) -> Array:
        """Return z^L, (n, K), for new rows."""
        return self._answer(X, lambda z: z)

    def _answer(self, X: Any, read_off: Callable[[Array], NDArray[Any]]) -> NDArray[Any]:
        """Return what is read off z^L, row by row, for new rows.

        Rows pass through the network in blocks that fit the cache and scikit-learn's
        ``working_memory``, so that only the answer is as long as X.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=FLOATS, reset=False)
        n_bytes = min(BLOCK_BYTES, sklearn.get_config()["working_memory"] * 2**20)
        blocks = raw_outputs(X, *self._parameters(), self._fitted_activations(), n_bytes)
        rows, z = next(blocks)
        first = read_off(z)
        if len(first) == X.shape[0]:
            return first
        answer = np.empty((X.shape[0], *first.shape[1:]), first.dtype)
        answer[rows] = first
        for rows, z in blocks:
            answer[rows] = read_off(z)
        return answer

    def _fitted_activations(self) -> Sequence[Activation]:
        """Return the hidden activations that the parameters were trained with."""
        return ()
