"""The results of a search over parameters, as tables over two of them, or over one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from sklearn_neuron._typing import Array

#: What can be shown, and the name of its column in ``cv_results_``.
SEARCHED = {
    "score": "mean_test_{}",
    "std": "std_test_{}",
    "fit_time": "mean_fit_time",
    "score_time": "mean_score_time",
}


class _NotSet:
    """The value of a parameter that a candidate does not set: it is the estimator's own."""

    def __repr__(self) -> str:
        return "not set"


NOT_SET = _NotSet()
#: The parameters of x="auto" and y="auto", where the search has them.
PREFERRED = ("eta", "batch_size")


class SearchTable(NamedTuple):
    """What a search has found for each value of x (n_x) and of y (n_y, or 1 if there is no y)."""

    names: tuple[str, str | None]  # of the parameters, as in the search
    x: list[Any]
    y: list[Any]
    quantities: dict[str, Array]  # (n_y, n_x), NaN where a candidate failed or was not tried
    tried: NDArray[np.bool_]  # (n_y, n_x)
    best: tuple[int, int] | None  # the cell of best_index_: y, x
    others: tuple[str, ...]  # parameters that the best value was chosen of
    halving: bool
    metric: str | None  # of the score, if there are several


def search_table(
    search: Any, x: str, y: str | None, quantities: Sequence[str], metric: str | None
) -> SearchTable:
    """Return the tables of a fitted search: see ``SearchDisplay.from_search``."""
    check_search(search)
    several, chosen_metric = metric_of(search, metric)
    columns = columns_of(search, quantities, chosen_metric)
    params, chosen = candidates_of(search)
    varied = list(dict.fromkeys(name for candidate in params for name in candidate))
    first, second = axes_of_search(x, y, varied)
    along_x = [params[k].get(first, NOT_SET) for k in chosen]
    along_y = [None if second is None else params[k].get(second, NOT_SET) for k in chosen]
    xs, ys = in_order(along_x), in_order(along_y)
    cells = [
        (position_in(v, ys), position_in(u, xs)) for u, v in zip(along_x, along_y, strict=True)
    ]
    winners = best_of_cells(chosen, cells, columns["score"], best_of(search))
    shape = len(ys), len(xs)
    tables = {name: np.full(shape, np.nan) for name in columns}
    tried = np.zeros(shape, dtype=bool)
    for cell, k in winners.items():
        tried[cell] = True
        for name, values in columns.items():
            tables[name][cell] = values[k] if np.isfinite(columns["score"][k]) else np.nan
    return SearchTable(
        names=(first, second),
        x=xs,
        y=ys,
        quantities=tables,
        tried=tried,
        best=best_cell(search, winners, tables["score"], metric),
        others=tuple(name for name in varied if name not in {first, second}),
        halving="iter" in search.cv_results_,
        metric=chosen_metric if several else None,
    )


def check_search(search: Any) -> None:
    """Raise unless it is a fitted search."""
    if not hasattr(search, "get_params") or not hasattr(search, "refit"):
        raise TypeError(
            "SearchDisplay needs a fitted search such as GridSearchCV; got "
            f"{type(search).__name__}."
        )
    check_is_fitted(search, "cv_results_")


def columns_of(
    search: Any, quantities: Sequence[str], metric: str
) -> dict[str, NDArray[np.float64]]:
    """Return the numbers of each candidate; score and std are always there."""
    if isinstance(quantities, str):
        quantities = (quantities,)
    if not quantities or set(quantities) - SEARCHED.keys():
        raise ValueError(f"quantities must be some of {list(SEARCHED)}; got {quantities!r}.")
    names = dict.fromkeys(["score", "std", *quantities])
    results = search.cv_results_
    return {name: np.array(results[SEARCHED[name].format(metric)], float) for name in names}


def metric_of(search: Any, metric: str | None) -> tuple[bool, str]:
    """Return whether there are several metrics, and the one of the score."""
    results = search.cv_results_
    known = [name.removeprefix("mean_test_") for name in results if name.startswith("mean_test_")]
    if metric is None:
        metric = search.refit if isinstance(search.refit, str) else known[0]
        if len(known) > 1 and not isinstance(search.refit, str):
            raise ValueError(f"The search has several metrics: set metric to one of {known}.")
    if metric not in known:
        raise ValueError(f"metric must be one of {known}; got {metric!r}.")
    return len(known) > 1, metric


def axes_of_search(x: str, y: str | None, known: list[str]) -> tuple[str, str | None]:
    """Return the parameters on the axes; "auto" takes eta and batch_size, or the only ones left."""
    first = None if x == "auto" else full_name(x, known, "x")
    if len(known) == 1:
        return known[0], None
    second = None if y is None or y == "auto" else full_name(y, known, "y")
    if first is not None and first == second:
        raise ValueError(f"x and y must be two different parameters; got {first!r} twice.")
    if first is None:
        free = 2 if y == "auto" else 1
        first = left_over([name for name in known if name != second], PREFERRED, free)
    if y == "auto":
        second = left_over([name for name in known if name != first], PREFERRED[::-1], 1)
    if first is None or (second is None and y is not None):
        raise ValueError(f"Set x= and y= to two of what was searched over: {known}.")
    return first, second


def left_over(rest: list[str], preferred: Sequence[str], free: int) -> str | None:
    """Return a preferred parameter, or else the first if no more are left than axes are free."""
    for name in preferred:
        found = [each for each in rest if each.rpartition("__")[2] == name]
        if name in rest or len(found) == 1:
            return name if name in rest else found[0]
    return rest[0] if 0 < len(rest) <= free else None


def candidates_of(search: Any) -> tuple[list[dict[str, Any]], list[int]]:
    """Return the parameters of every row of the results, and the rows to look at.

    In halving a candidate has a row for each iteration that it takes part in: its last one counts.
    """
    results = search.cv_results_
    if "iter" not in results:
        return list(results["params"]), list(range(len(results["params"])))
    resource = getattr(search, "resource", "n_samples")
    params = [{n: v for n, v in each.items() if n != resource} for each in results["params"]]
    last: dict[str, int] = {}
    best = np.arange(len(params)) == best_of(search)  # the last of equal candidates
    for k in np.lexsort([best, results["iter"]]).tolist():
        last[repr(sorted(params[k].items(), key=lambda item: item[0]))] = k
    return params, sorted(last.values())


def best_of(search: Any) -> int:
    """Return the row of the search's best candidate; -1 without one."""
    return int(getattr(search, "best_index_", -1))


def full_name(name: str, known: Sequence[str], argument: str) -> str:
    """Return the parameter that a name, or its end, stands for.

    Raises
    ------
    ValueError
        If there is none, or more than one.
    """
    if name in known:
        return name
    found = [each for each in known if each.endswith(f"__{name}")]
    if len(found) == 1:
        return found[0]
    what = f"is the end of several parameters: {found}" if found else "was not searched over"
    raise ValueError(f"{argument}={name!r} {what}; the search has {list(known)}.")


def in_order(values: Sequence[Any]) -> list[Any]:
    """Return distinct values: numbers by size, others as they come, None, and not set last."""
    distinct: list[Any] = []
    for value in values:
        if not any(same(value, other) for other in distinct):
            distinct.append(value)
    numbers = sorted(value for value in distinct if is_number(value))
    last = [each for each in (None, NOT_SET) if any(value is each for value in distinct)]
    others = [v for v in distinct if not (is_number(v) or any(v is each for each in last))]
    return numbers + others + last


def position_in(value: Any, values: Sequence[Any]) -> int:
    """Return where a value stands."""
    return next(k for k, other in enumerate(values) if same(value, other))


def same(one: Any, other: Any) -> bool:
    """Return whether two values of a parameter are the same; True is not 1."""
    if is_number(one) != is_number(other):
        return False
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return type(one) is type(other) and np.array_equal(one, other)
    return one is other or bool((type(one) is type(other) or is_number(one)) and one == other)


def is_number(value: Any) -> bool:
    """Return whether a value has a place on an axis."""
    return isinstance(value, Real | np.number) and not isinstance(value, bool | np.bool_)


def best_of_cells(
    rows: Sequence[int],
    cells: Sequence[tuple[int, int]],
    score: NDArray[np.float64],
    best: int,
) -> Mapping[tuple[int, int], int]:
    """Return the candidate with the highest score in each cell; the search's own best wins."""
    winners: dict[tuple[int, int], int] = {}
    for k, cell in zip(rows, cells, strict=True):
        old = winners.get(cell)
        higher = old is None or not score[old] >= score[k]
        if old is None or (old != best and (k == best or (higher and np.isfinite(score[k])))):
            winners[cell] = k
    return winners


def best_cell(
    search: Any, winners: Mapping[tuple[int, int], int], score: Array, metric: str | None
) -> tuple[int, int] | None:
    """Return the cell of the search's best candidate; without one, that of the highest score.

    None if the best candidate is in no cell.
    """
    if not np.isfinite(score).any():
        return None
    if best_of(search) >= 0 and (metric is None or metric == search.refit):
        return next((cell for cell, k in winners.items() if k == best_of(search)), None)
    row, column = np.unravel_index(int(np.nanargmax(score)), score.shape)
    return int(row), int(column)
