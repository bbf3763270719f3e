"""Trial: components of the user's own, tried on a few targets before training begins.

A component writes its results into memory that it is given. One that returns a new array instead
would leave there whatever was in it before, and training would go on with that. So each method is
called here as training calls it, on a copy of the component, over memory that is filled with NaN:
what then is still there was not written. As a result may be NaN itself, a second call has another
filling. A component that raises is left to training, which says where: z is made up here.

Shapes: z and what is made of it are ``(m, n)``, m samples and n units, as in training.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._typing import Array
from sklearn_neuron.activations import Activation, Link
from sklearn_neuron.components import Component
from sklearn_neuron.losses import Loss
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import Optimizer

#: Samples of the trial, another number where there are as many outputs; targets that are asked for.
M, OTHER_M, TARGETS = 3, 4, 16
#: What memory is filled with: a result cannot be both.
FILLINGS = (np.nan, 1234.5)
#: How often results in place have to be others, if that is not to be by chance.
REPEATS = 5
#: What may differ between a result in place and one that is not.
CLOSE = 1e-3
#: Raw outputs at which NaN is looked for after training has diverged, the most usual ones first.
GRID = (0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 10.0, -10.0, 100.0, -100.0, 1e3, -1e3)

Method = Callable[..., Any]


def try_components(
    own: Sequence[Component], activations: Sequence[Activation], network: Network, samples: Any
) -> None:
    """Raise unless components keep to their contracts.

    Parameters
    ----------
    own : sequence of Component
        Those that are tried.
    activations : sequence of Activation
        Those of the hidden layers.
    network : Network
        Its sizes and its dtype are those of training; nothing is written on it.
    samples : Samples or another place
        The training data, of which a few targets are taken.

    Raises
    ------
    TypeError or ValueError
        Its message names the class and the method, and says what to do.
    """
    dtype = network.dtype
    with np.errstate(all="ignore"):
        for component, n in places_of(own, activations, network):
            if isinstance(component, Optimizer):
                try_optimizer(component, np.linspace(-1.0, 1.0, n).astype(dtype))
                continue
            m = M if n != M else OTHER_M
            z = np.linspace(-1.0, 1.0, m * n).reshape(m, n).astype(dtype)
            if isinstance(component, Loss):
                targets = samples.few_targets(TARGETS)
                try_loss(component, targets[np.arange(m) % len(targets)].astype(dtype), z)
            else:
                assert isinstance(component, Link)
                try_link(component, z)


def places_of(
    own: Sequence[Component], activations: Sequence[Activation], network: Network
) -> Iterator[tuple[Component, int]]:
    """Yield copies of components, with the number of units, outputs or parameters they get."""
    sizes, seen = network.layer_sizes, set()
    places = [*zip(activations, sizes[1:-1], strict=True)]
    for component in own:
        of_layer = [n for sigma, n in places if sigma is component]
        last = len(network.theta) if isinstance(component, Optimizer) else sizes[-1]
        for n in of_layer or [last]:
            if (id(component), n) in seen:
                continue
            seen.add((id(component), n))
            try:
                copied = copy.deepcopy(component)
            except Exception:  # what cannot be copied is not tried
                continue
            yield copied, n


# ---- what each kind of component has to do -------------------------------------------------------


def try_link(link: Link, z: Array) -> None:
    """Raise unless a link, or an activation, fills what it is given, in place, too."""

    def forward(z: Array, out: Array) -> Any:
        return link.forward(z, out=out)

    def with_derivative(z: Array, out: Array, slope: Array) -> Any:
        assert isinstance(link, Activation)
        return link.with_derivative(z, out=out, slope=slope)

    try_writes(link, "forward", forward, z, ("out",))
    if isinstance(link, Activation):
        try_writes(link, "with_derivative", with_derivative, z, ("out", "slope"))


def try_writes(component: Link, method: str, call: Method, z: Array, names: Sequence[str]) -> None:
    """Raise unless a method fills its arrays, and the same in place."""
    outs = written(component, method, lambda *outs: call(z.copy(), *outs), z, names)
    if outs is None:
        return
    first, second = outs

    def is_other(*, in_place: bool) -> bool:
        arrays = [z.copy(), *(np.full_like(z, np.nan) for _ in names[1:])]
        with suppress(Exception):  # it raises in training, too, which says where
            call(arrays[0] if in_place else z.copy(), *arrays)
            return not agree(first, arrays)
        return False

    # some are random, so once is not enough
    if agree(first, second) and all(
        is_other(in_place=True) and not is_other(in_place=False) for _ in range(REPEATS)
    ):
        raise ValueError(
            f"{method} of {type(component).__name__} has other results where `out` is `z` itself, "
            "as it is in training: read z before you write into out."
        )


def try_loss(loss: Loss, y: Array, z: Array) -> None:
    """Raise unless a loss returns a number for each sample, and fills δ."""
    name = type(loss).__name__
    seen = y.copy(), z.copy()
    try:
        value = loss.value(*seen)
    except Exception:  # z is made up
        return
    if not isinstance(value, np.ndarray) or value.shape != y.shape[:1] or is_no_number(value):
        kind = ValueError if isinstance(value, np.ndarray) else TypeError
        raise kind(
            f"value of {name} must return the loss of each sample, for {len(y)} samples an array "
            f"of shape ({len(y)},); got {in_few_words(value)}. Sum over the outputs only, as in "
            "((z - y) ** 2).sum(axis=1)."
        )
    check_unchanged(name, "value", (y, z), seen)

    def delta(out: Array) -> Any:
        nonlocal seen
        seen = y.copy(), z.copy()
        return loss.delta(*seen, out=out, work=np.full_like(z, np.nan))

    if written(loss, "delta", delta, z, ("out",)) is not None:
        check_unchanged(name, "delta", (y, z), seen)


def check_unchanged(name: str, method: str, before: Sequence[Array], now: Sequence[Array]) -> None:
    """Raise if a loss has overwritten y or z."""
    for letter, one, other in zip("yz", before, now, strict=True):
        if not np.array_equal(one, other, equal_nan=True):
            raise ValueError(
                f"{method} of {name} overwrites {letter}, which training goes on to use: write "
                "into new arrays, or in delta into out and work."
            )


def try_optimizer(optimizer: Optimizer, grad: Array) -> None:
    """Raise unless an optimizer makes the direction in place, and has a state of numbers."""
    name = type(optimizer).__name__
    try:
        state: Any = optimizer.init(grad.copy())
    except Exception:  # training says where
        return
    if not isinstance(state, dict):  # which ``start`` refuses
        return
    check_state(name, "init", state)
    before = grad.copy()
    try:
        result: Any = optimizer.update(grad, state)
    except Exception:
        return
    if result is not None and result is not grad and np.array_equal(grad, before):
        raise TypeError(
            f"update of {name} returns {in_few_words(result)}, which is not used. Write the "
            "direction into 'grad', as in np.multiply(..., out=grad) or grad[...] = ..., and "
            "return nothing."
        )
    check_state(name, "update", state)


def check_state(name: str, method: str, state: dict[str, Any]) -> None:
    """Raise unless a state holds nothing but arrays and numbers."""
    for key, value in state.items():
        try:
            np.isfinite(value)  # as after every epoch
        except (TypeError, ValueError):
            raise TypeError(
                f"The state of {name} may hold arrays and numbers only; after {method} its {key!r} "
                f"is {in_few_words(value)}. Keep it as an attribute of the optimizer, or leave it "
                "out."
            ) from None


# ---- what methods write --------------------------------------------------------------------------


def written(
    component: Component,
    method: str,
    call: Method,
    z: Array,
    names: Sequence[str],
) -> list[list[Array]] | None:
    """Return what a method writes into its arrays, twice, or raise if that is not all of them.

    None if it raises.
    """
    attempts = []
    for filling in FILLINGS:
        outs = [np.full_like(z, filling) for _ in names]
        try:
            result = call(*outs)
        except Exception:  # z is made up
            return None
        attempts.append(outs)
    for name, first, second in zip(names, *attempts, strict=True):
        left = np.isnan(first) & (second == FILLINGS[1])
        if left.any():
            part = "" if left.all() else "some of "
            also = (
                "" if result is None else f" It returns {in_few_words(result)}, which is not used."
            )
            raise ValueError(
                f"{method} of {type(component).__name__} does not fill {part}{name!r}.{also} Write "
                f"into it, as in np.multiply(..., out={name}) or {name}[...] = ..., and return "
                "nothing."
            )
    return attempts


def agree(some: Sequence[Array], others: Sequence[Array]) -> bool:
    """Return whether arrays are the same but for rounding."""
    pairs = zip(some, others, strict=True)
    return all(np.allclose(a, b, rtol=CLOSE, atol=CLOSE, equal_nan=True) for a, b in pairs)


def is_no_number(values: NDArray[Any]) -> bool:
    """Return whether values are complex, or no numbers at all."""
    return values.dtype.kind not in "fiub"


def in_few_words(value: Any) -> str:
    """Return what a value is, in few words."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= 60 else f"a {type(value).__name__}"


# ---- after training has diverged -----------------------------------------------------------------


def where_nan(
    own: Sequence[Component], activations: Sequence[Activation], network: Network, samples: Any
) -> str:
    """Return a sentence on what gives NaN at some usual z, or an empty string."""
    targets = samples.few_targets(TARGETS)
    with np.errstate(all="ignore"):
        for component, n in places_of(own, activations, network):
            for z_of_all in GRID:
                z = np.full((len(targets), n), z_of_all, network.dtype)
                if method := method_with_nan(component, targets.astype(network.dtype), z):
                    name = type(component).__name__
                    return f"{method} of {name} gives NaN, for example for z = {z_of_all:g}."
    return ""


def method_with_nan(component: Component, y: Array, z: Array) -> str:
    """Return the method of a component that gives NaN, or an empty string."""
    out, other = np.zeros_like(z), np.zeros_like(z)
    try:
        if isinstance(component, Loss):
            if np.isnan(component.value(y, z.copy())).any():
                return "value"
            component.delta(y, z.copy(), out=out, work=other)
            return "delta" if np.isnan(out).any() else ""
        if isinstance(component, Link):
            component.forward(z.copy(), out=out)
            if np.isnan(out).any():
                return "forward"
        if isinstance(component, Activation):
            component.with_derivative(z.copy(), out=out, slope=other)
            return "with_derivative" if np.isnan([out, other]).any() else ""
    except Exception:  # it is the divergence that is to be told
        return ""
    return ""
