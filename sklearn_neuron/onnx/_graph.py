"""Graphs: the two verbs that operators are written with, and the plain builder.

Values of a graph are known by their names, which are strings. ``const`` adds a constant and returns
its name; ``node`` adds an operator and returns the name of its output. All floats of a graph have
one dtype.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sklearn_neuron._extras import require

#: The versions of the operator set that graphs are written for; the tests run each of them.
OPSETS = range(18, 24)


class Graph(ABC):
    """A graph that is being written.

    Parameters
    ----------
    dtype : dtype
        float64 or float32, the dtype of all floats.

    Attributes
    ----------
    dtype : dtype
        The same.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self._known: dict[Any, str] = {}

    def const(self, value: Any) -> str:
        """Add a constant.

        Parameters
        ----------
        value : float, int or array-like
            The value. Floats get the dtype of the graph; integers are int64.

        Returns
        -------
        str
            Its name. Equal constants share one.
        """
        array = np.asarray(value)
        kinds: dict[str, DTypeLike] = {"f": self.dtype, "i": np.int64}
        return self.exactly(array.astype(kinds.get(array.dtype.kind, array.dtype)))

    def exactly(self, array: NDArray[Any]) -> str:
        """Add a constant with the dtype that it has."""
        if array.dtype.kind in "UO":
            array = array.astype(object)
        content = tuple(array.ravel()) if array.dtype.kind == "O" else array.tobytes()
        key = (array.dtype.str, array.shape, content)
        if key not in self._known:
            self._known[key] = self._add_constant(array)
        return self._known[key]

    @abstractmethod
    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add an operator.

        Parameters
        ----------
        operator : str
            Its name in the standard, such as ``"Add"``.
        *inputs : str
            The names of its inputs.
        domain : str, default=""
            The operator set that it is from; the default is that of ONNX itself.
        **attributes : dict
            Its attributes.

        Returns
        -------
        str
            The name of its output.
        """

    @abstractmethod
    def _add_constant(self, array: NDArray[Any]) -> str:
        """Store a constant; return its name."""


class PlainGraph(Graph):
    """A graph made with nothing but onnx."""

    def __init__(self, dtype: DTypeLike) -> None:
        super().__init__(dtype)
        self._onnx = require("onnx", "sklearn_neuron.onnx")
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        name = f"{operator.lower()}_{len(self._nodes)}"
        made = self._onnx.helper.make_node(
            operator, inputs, [name], name, domain=domain, **attributes
        )
        self._nodes.append(made)
        return name

    def _add_constant(self, array: NDArray[Any]) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def finish(self, name: str, given: Any, outputs: Mapping[str, tuple[str, Any]]) -> Any:
        """Return the graph.

        Parameters
        ----------
        name : str
            Of the graph.
        given : TypeProto
            The type of the input X.
        outputs : mapping
            For each output its value in the graph, which no other output has, and its type.
        """
        final = {value: output for output, (value, _) in outputs.items()}
        for made in self._nodes:
            for names in (made.input, made.output):
                names[:] = [final.get(each, each) for each in names]
        value_info = self._onnx.helper.make_value_info
        return self._onnx.helper.make_graph(
            self._nodes,
            name,
            [value_info("X", given)],
            [value_info(output, kind) for output, (_, kind) in outputs.items()],
            self._constants,
        )
