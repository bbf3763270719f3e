r"""Operators: each activation and link as a few operators of ONNX.

Only operators that runtimes have in float64 are used. onnxruntime has none for Erf, and from opset
20 on none for Elu, Selu, LeakyRelu and Softplus, so these are made of Exp, Log, Max and Min. For
:math:`\Phi` there is a rational function of its own: with :math:`a = |z|`,

.. math:: z \Phi(z) = \max(z, 0) - a \Phi(-a), \quad \Phi(-a) = e^{-a^2 / 2} P(a) / Q(a),

whose error is below 1e-16. Its coefficients are all positive, so nothing cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sklearn_neuron.activations import (
    ELU,
    GELU,
    SELU,
    Exponential,
    Identity,
    LeakyReLU,
    Link,
    Logistic,
    ReLU,
    SiLU,
    Softmax,
    Softplus,
    Step,
    Tanh,
)
from sklearn_neuron.onnx._graph import Graph

#: Coefficients of P and Q from the constant term on, fitted to 1e-17 where a Φ(−a) is not 0.
P = (0.5000000000000021, 0.5088647045470114, 0.26042791761364326, 0.07968368758365554,
     0.015162059239546189, 0.0016904236638679124, 8.664396579934911e-05)  # fmt: skip
Q = (1.0, 1.8156139698971652, 1.4695061901807163, 0.6900182116887904, 0.20400935252340027,
     0.03822031340896386, 0.004237382681552363, 0.00021718146523906772)  # fmt: skip
#: Where exp(−a² / 2) is 0, and P and Q are far from overflow.
FARTHEST = 40.0


def leaky_relu_form(graph: Graph, link: Any, z: str) -> str:
    """Write max(z, c z), as c is at most 1."""
    return graph.node("Max", z, graph.node("Mul", z, graph.const(float(link.negative_slope))))


def scaled_elu(graph: Graph, z: str, c: float, scale: float) -> str:
    """Write λ max(z, 0) + λ c (e^min(z, 0) − 1)."""
    below = graph.node("Exp", graph.node("Min", z, graph.const(0.0)))
    below = graph.node("Mul", graph.node("Sub", below, graph.const(1.0)), graph.const(scale * c))
    above = graph.node("Relu", z)
    above = above if scale == 1.0 else graph.node("Mul", above, graph.const(scale))
    return graph.node("Add", above, below)


def elu_form(graph: Graph, link: Any, z: str) -> str:
    """Write z above 0, and c (e^z − 1) below."""
    return scaled_elu(graph, z, float(link.c), 1.0)


def selu_form(graph: Graph, link: Any, z: str) -> str:
    """Write λ times elu."""
    return scaled_elu(graph, z, float(link._elu.c), float(link._scale))


def polynomial(graph: Graph, coefficients: Sequence[float], a: str) -> str:
    """Write Σ c_k a^k by Horner's rule."""
    *rest, value = map(graph.const, coefficients)
    for c in reversed(rest):
        value = graph.node("Add", graph.node("Mul", value, a), c)
    return value


def gelu_form(graph: Graph, _: Link, z: str) -> str:
    """Write z Φ(z)."""
    a = graph.node("Abs", z)
    near = graph.node("Min", a, graph.const(FARTHEST))
    density = graph.node("Exp", graph.node("Mul", graph.node("Mul", near, near), graph.const(-0.5)))
    ratio = graph.node("Div", polynomial(graph, P, near), polynomial(graph, Q, near))
    below = graph.node("Mul", near, graph.node("Mul", density, ratio))
    return graph.node("Sub", graph.node("Relu", z), below)


def silu_form(graph: Graph, _: Link, z: str) -> str:
    """Write z / (1 + e^−z): onnxruntime 1.22 fuses z σ(z) into what it lacks in float64."""
    below = graph.node("Add", graph.node("Exp", graph.node("Neg", z)), graph.const(1.0))
    return graph.node("Div", z, below)


def softplus_form(graph: Graph, _: Link, z: str) -> str:
    """Write max(z, 0) + log(1 + e^−|z|)."""
    tail = graph.node("Exp", graph.node("Neg", graph.node("Abs", z)))
    tail = graph.node("Log", graph.node("Add", tail, graph.const(1.0)))
    return graph.node("Add", graph.node("Relu", z), tail)


def step_form(graph: Graph, _: Link, z: str) -> str:
    """Write 1 where z ≥ 0, else 0."""
    reached = graph.node("GreaterOrEqual", z, graph.const(0.0))
    return graph.node("Where", reached, graph.const(1.0), graph.const(0.0))


#: How each built-in activation and link is written. A new one needs one line here.
FORMS: dict[type[Link], Callable[[Graph, Any, str], str]] = {
    Identity: lambda _graph, _, z: z,
    Logistic: lambda graph, _, z: graph.node("Sigmoid", z),
    Tanh: lambda graph, _, z: graph.node("Tanh", z),
    ReLU: lambda graph, _, z: graph.node("Relu", z),
    LeakyReLU: leaky_relu_form,
    ELU: elu_form,
    SELU: selu_form,
    GELU: gelu_form,
    SiLU: silu_form,
    Softplus: softplus_form,
    Exponential: lambda graph, _, z: graph.node("Exp", z),
    Softmax: lambda graph, _, z: graph.node("Softmax", z, axis=1),
    Step: step_form,
}


def apply_link(graph: Graph, link: Link, z: str) -> str:
    """Write a = σ(z) of an activation or link; return the name of a.

    An own activation says its operators by a method ``to_onnx(graph, z)``. It counts only if no
    subclass computes something else.

    Raises
    ------
    NotImplementedError
        If the activation does not say its operators.
    TypeError
        If its ``to_onnx`` does not return a name.
    """
    for cls in type(link).__mro__:
        if "to_onnx" in vars(cls):
            name = link.to_onnx(graph, z)  # type: ignore[attr-defined]
            if not isinstance(name, str):
                raise TypeError(
                    f"to_onnx of {type(link).__name__} must return the name that graph.node "
                    f"returned; got {name!r}."
                )
            return name
        if cls in FORMS:
            return FORMS[cls](graph, link, z)
        if {"forward", "with_derivative"} & vars(cls).keys():
            break
    raise NotImplementedError(
        f"{type(link).__name__} does not say its ONNX operators. Add a method "
        "to_onnx(self, graph, z) that writes them with graph.const(value) and "
        "graph.node(operator, *inputs) and returns the name of the result; see 'How to add a "
        "component' in the documentation."
    )
