"""The explorer: one page that shows how a network computes, learns, and what each number is."""

from __future__ import annotations

import copy
import html
import json
import tempfile
import webbrowser
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._estimator.base import problem_at
from sklearn_neuron._estimator.constraints import Number
from sklearn_neuron.inspection._explorer.explorer_data import counted, explorer_data
from sklearn_neuron.inspection._explorer.explorer_pack import compressed
from sklearn_neuron.inspection._subject import (
    Subject,
    check_image_shape,
    reaching,
    subject_of,
    unwrap,
)

#: Points per side of the map, which the page computes at every move.
MAX_GRID = 400
#: What the page may do: run and show what is in it, and nothing else.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body style="margin: 0">
<main id="explorer"></main>
<script type="application/json" id="explorer-data">{data}</script>
<script type="module">
// explorer.js of sklearn_neuron, compressed
const bytes = Uint8Array.from(atob("{script}"), c => c.charCodeAt(0));
const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
const script = document.createElement("script");
script.type = "module";
script.textContent = await new Response(stream).text();
document.head.append(script);
</script>
</body>
</html>
"""
#: One module together.
SCRIPTS = ("explorer_numbers.js", "explorer.js")
#: How the script ends in the page.
MOUNT = """
mount(document.getElementById("explorer"),
  JSON.parse(document.getElementById("explorer-data").textContent));
"""
FRAME = "sklearn-neuron-explorer"
#: What the surroundings run, where they run scripts: frames get the height of their pages and the
#: theme around them.
AROUND = """
(() => {
  const type = "sklearn-neuron-explorer";
  if (window[type]) return;
  window[type] = true;
  const frames = () => [...document.querySelectorAll("iframe." + type)];
  const theme = () => {
    const root = document.documentElement, lab = document.querySelector("[data-jp-theme-light]");
    if (lab) return lab.dataset.jpThemeLight === "false" ? "dark" : "light";
    const code = document.body.className;
    if (/vscode-/.test(code))
      return /vscode-(dark|high-contrast(?!-light))/.test(code) ? "dark" : "light";
    return root.dataset.theme || "";
  };
  const tell = frame => frame.contentWindow.postMessage({type, theme: theme()}, "*");
  addEventListener("message", event => {
    const frame = frames().find(each => each.contentWindow === event.source);
    if (!frame || !event.data || event.data.type !== type) return;
    frame.style.height = Number(event.data.height) + "px";
    tell(frame);
  });
  new MutationObserver(() => frames().forEach(tell)).observe(document.documentElement,
    {attributes: true, attributeFilter: ["data-theme"]});
})();
"""
#: What could end the script that holds the JSON, or a line of it.
UNSAFE = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


class Explorer:
    """A page that shows a network from within, made by ``explore``.

    In a notebook it shows itself, in a frame that may run scripts and nothing else.

    Parameters
    ----------
    data : dict
        What the page shows; ``data["schema"]`` is the version of its form.

    Attributes
    ----------
    data : dict
        As given.

    See Also
    --------
    explore : Returns it.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_neuron import LogisticNeuronClassifier
    >>> from sklearn_neuron.inspection import explore
    >>> X, y = load_iris(return_X_y=True)
    >>> neuron = LogisticNeuronClassifier(record="epoch", max_iter=50, tol=None).fit(X, y)
    >>> explore(neuron, X, y).data["layers"]
    [4, 3]
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def __repr__(self) -> str:
        layers = " → ".join(map(str, self.data["layers"]))
        n_rows, n_shots = len(self.data["rows"]["index"]), len(self.data["snapshots"]["at"])
        rows, moments = counted(n_rows, "row"), counted(n_shots, "moment")
        return f"Explorer of {layers}: {rows}, {moments} of training"

    def html(self) -> str:
        """Return the page as text.

        Returns
        -------
        str
            A complete HTML document, which loads nothing.
        """
        text = json.dumps(self.data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return PAGE.format(
            policy=html.escape(POLICY),
            title=html.escape(self.data["title"]),
            style=lean(asset("explorer.css")),
            script=compressed("\n".join(lean(asset(name)) for name in SCRIPTS) + MOUNT),
            data=text.translate(UNSAFE),
        )

    def save(self, path: Any) -> Path:
        """Write the page to a file.

        Parameters
        ----------
        path : str or path-like
            Where to; an existing file is replaced.

        Returns
        -------
        Path
            The path of the file.
        """
        file = Path(path)
        file.write_text(self.html(), encoding="utf-8")
        return file

    def open(self) -> Path:
        """Show the page in the browser, from a temporary file.

        Returns
        -------
        Path
            The path of the file.
        """
        folder = Path(tempfile.mkdtemp(prefix="explorer-"))
        path = self.save(folder / "explorer.html")
        webbrowser.open(path.as_uri())
        return path

    def _repr_html_(self) -> str:
        page = html.escape(self.html(), quote=True)
        title = html.escape(self.data["title"], quote=True)
        return (
            f'<iframe class="{FRAME}" title="{title}" sandbox="allow-scripts" srcdoc="{page}" '
            f'style="width: 100%; height: 900px; border: 0"></iframe><script>{AROUND}</script>'
        )


def asset(name: str) -> str:
    """Return the text of a file that lies beside this module."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def lean(text: str) -> str:
    """Return a script or a style without indentation and without lines of comment."""
    lines = (line.strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def explore(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    rows: Any = None,
    snapshots: int = 200,
    image_shape: tuple[int, int] | None = None,
    grid: int = 60,
    live: bool = False,
    title: str | None = None,
) -> Explorer:
    """Make one self-contained page that shows an estimator from within, at any recorded moment.

    The page has the diagram of the network, the loss curve, the rows, and a step mode that goes
    from the forward pass through the loss and δ to the update, each formula with its numbers.

    Parameters
    ----------
    estimator : estimator of this package or Pipeline whose last step is one
        Fitted with ``record="epoch"``, ``record="step"`` or a ``Record`` of these kinds to move
        through its training; else the page shows the fitted parameters only, or of an unfitted
        estimator the start. It is not modified. Dropout is off.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The input data; those of ``fit`` for the gradients of its updates. Of a pipeline, the page
        shows the transformed rows.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The target values.
    rows : array-like of int, default=None
        Rows of X to put on the page. If None, all where there are at most 200, else the hardest
        ones, wrong ones, and others of every class.
    snapshots : int, default=200
        Largest number of recorded moments on the page; they are spread evenly. It has fewer, and
        says so, where it would be larger than 5 MB.
    image_shape : tuple of two ints, default=None
        Height and width, if the rows are images.
    grid : int, default=60
        Points per side of the map of two features, from 2 to 400.
    live : bool, default=False
        Whether the page can train, from the recorded start, with SGD or Adam as the estimator did.
    title : str, default=None
        The heading. If None, the class and the numbers of units.

    Returns
    -------
    Explorer
        With ``save``, ``open``, and its own display in notebooks.

    Raises
    ------
    ValueError
        If a parameter is out of range, if ``fit`` would not accept the data, or if the page could
        not compute the same numbers with ``live=True``.
    TypeError
        If a parameter is of a wrong type.

    See Also
    --------
    NetworkDisplay : One picture of it.
    diagnose : Says in words what goes wrong.

    Examples
    --------
    >>> from sklearn_neuron import ManualMLPClassifier
    >>> from sklearn_neuron.inspection import explore
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> network = ManualMLPClassifier(
    ...     (4,), activation="tanh", max_iter=300, tol=None, record="epoch", random_state=0
    ... ).fit(X, y)
    >>> explorer = explore(network, X, y, title="Exclusive or")
    >>> explorer
    Explorer of 2 → 4 → 1: 4 rows, 200 moments of training
    >>> path = explorer.save("exclusive_or.html")  # doctest: +SKIP
    """
    Number(1, integer=True).check("explore", "snapshots", snapshots)
    Number(2, MAX_GRID, closed_high=True, integer=True).check("explore", "grid", grid)
    if not isinstance(live, bool | np.bool_):
        raise TypeError(f"live of explore must be True or False; got {live!r}.")
    if title is not None and not isinstance(title, str):
        raise TypeError(f"title of explore must be a str or None; got {title!r}.")
    subject = subject_to_show(estimator, X, y)
    check_image_shape(image_shape, subject.network.layer_sizes[0])
    options = {"title": title, "image_shape": image_shape, "grid": int(grid), "live": bool(live)}
    return Explorer(explorer_data(subject, row_numbers(rows), int(snapshots), options))


def subject_to_show(estimator: Any, X: Any, y: Any) -> Subject:
    """Return the subject; an unfitted estimator in it knows the classes that ``fit`` would find."""
    subject = subject_of(estimator, X, y)
    if subject.fitted:
        return subject
    problem = problem_at(unwrap(estimator), reaching(estimator, X, y), y)
    shadow = copy.copy(subject.estimator)
    known = problem.data.targets.attributes() | problem.data.features
    shadow.__dict__.update(known, eta_=problem.eta)
    return subject._replace(estimator=shadow)


def row_numbers(rows: Any) -> NDArray[np.intp] | None:
    """Return the rows asked for, without repetitions; None for those chosen by the explorer."""
    if rows is None:
        return None
    numbers = np.atleast_1d(np.asarray(rows))
    if numbers.size == 0:
        raise ValueError("rows of explore must not be empty; None chooses the rows.")
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise TypeError(f"rows of explore must be ints; got {rows!r}.")
    return np.array(list(dict.fromkeys(numbers.tolist())), dtype=np.intp)
