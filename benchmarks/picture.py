"""Draw docs/_static/performance.png from the results saved by step.py and neuron.py.

Left: the network's step in float64. Right: one neuron with 20 features. Both are plotted against
the batch size. If the compiled engine did not run, its line is omitted.

    python benchmarks/picture.py
"""

import json
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

HERE = Path(__file__).parent
OUTPUT = HERE.parent / "docs" / "_static" / "performance.png"
# name → label, colour (Okabe and Ito's), marker, width
LINES = {
    "torch": ("torch, eager", "#CC79A7", "^", 1.5),
    "MLPClassifier": ("MLPClassifier", "#D55E00", "s", 1.5),
    "SGDClassifier": ("SGDClassifier", "#E69F00", "P", 1.5),
    "JAX": ("JAX, jit + scan", "#009E73", "D", 1.5),
    "numpy": ("ours, NumPy", "#56B4E9", "o", 2.5),
    "compiled": ("ours, compiled", "#0072B2", "o", 2.5),
}


def load(name):
    """Return the tables that a benchmark has saved."""
    path = HERE / "results" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))["tables"]


def lines_of(rows):
    """Return for each library its batch sizes, medians, and their smallest and largest."""
    found = {}
    for name in LINES:
        kept = [
            r for r in rows if name in r and (name != "compiled" or r["compiled ran"] == "compiled")
        ]
        if kept:
            spreads = [(r[name]["median"], r[name]["low"], r[name]["high"]) for r in kept]
            found[name] = np.array([r["batch"] for r in kept]), *np.array(spreads).T
    return found


def spaced(places, gap):
    """Return places moved apart until neighbours have the gap between them."""
    order, moved = np.argsort(places), np.array(places, float)
    for _ in range(200):
        for below, above in zip(order[:-1], order[1:], strict=True):
            missing = gap - (moved[above] - moved[below])
            if missing > 1e-9:
                moved[below] -= missing / 2
                moved[above] += missing / 2
    return moved


def label(ax, ends):
    """Write each line's name right of its end, in its colour, at its height or near it."""
    low, high = np.log10(ax.get_ylim())
    names = list(ends)
    places = [(np.log10(ends[name]) - low) / (high - low) for name in names]
    for name, place, y in zip(names, spaced(places, 0.065), places, strict=True):
        text, colour, *_ = LINES[name]
        ax.annotate(
            text,
            xy=(1.0, y),
            xytext=(1.035, place),
            xycoords="axes fraction",
            color=colour,
            va="center",
            fontweight="bold" if text.startswith("ours") else "normal",
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.7, "shrinkA": 1, "shrinkB": 0},
        )


def draw(ax, lines, title, unit):
    """Draw the lines of one panel."""
    for name, (batch, median, low, high) in lines.items():
        _, colour, marker, width = LINES[name]
        ax.fill_between(batch, low, high, color=colour, alpha=0.2, lw=0)
        ax.plot(batch, median, color=colour, marker=marker, lw=width, ms=5, clip_on=False)
    ax.set(xscale="log", yscale="log", xlabel="rows of a batch", title=f"{title}\n{unit}")
    ax.title.set_fontsize(11)
    ticks = sorted({int(b) for batch, *_ in lines.values() for b in batch})
    ax.set_xticks(ticks, [f"{t}" for t in ticks])
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    ax.set_xlim(0.8, ticks[-1] * 1.05)
    ax.grid(axis="y", color="0.9")
    ax.spines[["top", "right"]].set_visible(False)


def panels():
    """Return title, unit and lines of both panels, and the point of SGDClassifier."""
    (steps,), (alone, batches, *_) = load("step").values(), load("neuron").values()
    network = lines_of([row for row in steps if row["dtype"] == "float64"])
    neuron = lines_of(batches)
    sgd = next(r for r in alone if r["features"] == "20 dense" and r["penalty"] == "none")
    return network, neuron, sgd["SGDClassifier"]["median"]


def main():
    plt.rcParams.update({"font.size": 10})
    network, neuron, sgd = panels()
    fig, axes = plt.subplots(1, 2, figsize=(9, 4))
    draw(axes[0], network, "network 20→100→1, float64", "µs per training step")
    draw(axes[1], neuron, "logistic neuron, 20 features", "ns per sample and epoch")
    _, colour, marker, _ = LINES["SGDClassifier"]
    axes[1].plot(1, sgd, color=colour, marker=marker, ms=9, ls="", clip_on=False)
    axes[1].annotate(
        "SGDClassifier", (1, sgd), (-3, -14), textcoords="offset points", color=colour, va="center"
    )
    fig.subplots_adjust(left=0.06, right=0.845, wspace=0.66, top=0.87, bottom=0.13)
    for ax, lines in zip(axes, (network, neuron), strict=True):
        label(ax, {name: median[-1] for name, (_, median, *_) in lines.items()})
    OUTPUT.parent.mkdir(exist_ok=True)
    fig.savefig(OUTPUT, dpi=200, metadata={"Software": None})


if __name__ == "__main__":
    main()
