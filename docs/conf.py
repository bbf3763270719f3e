"""How Sphinx builds the site: sphinx-build -W --keep-going -b html docs docs/_build/html."""

import contextlib
import io
import re
import runpy
from pathlib import Path

from docutils import nodes
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 the gallery looks it up
from sphinx_gallery.sorting import ExplicitOrder

import sklearn_neuron
from sklearn_neuron.inspection import explore

project = "sklearn_neuron"
author = "The sklearn_neuron developers"
project_copyright = author
version = release = sklearn_neuron.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",  # brings MathJax along, so that formulas need no network
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates"]
default_role = "literal"  # as scikit-learn's docstrings mean `it`

# ---- reference ----------------------------------------------------------------------------

autodoc_typehints = "none"  # numpydoc says the types, in words
autodoc_member_order = "bysource"
autosummary_generate = True
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False  # the class template lists them
viewcode_line_numbers = True


def own_references_only(app, what, name, obj, options, lines):
    """Make plain text of the references in docstrings that scikit-learn wrote.

    ``score``, ``set_fit_request`` and their like point at labels and terms of its own site.
    """
    if (getattr(obj, "__module__", None) or "").startswith("sklearn."):
        text = re.sub(r":(?:ref|term):`([^`<]+?)(?:\s+<[^`>]+>)?`", r"\1", "\n".join(lines))
        text = re.sub(r"User\s+Guide", "scikit-learn's User Guide", text)
        lines[:] = text.split("\n")


def page_of_scikit_learn(app, env, node, contnode):
    """Link what "See Also" names of scikit-learn to its page there; nothing is loaded for it."""
    target = node.get("reftarget", "")
    if target.startswith("sklearn."):
        page = f"https://scikit-learn.org/stable/modules/generated/{target}.html"
        return nodes.reference("", "", contnode, internal=False, refuri=page)
    return None


def write_explorer(app):
    """Write the page of the example on XOR, which the landing page shows, too."""
    with contextlib.redirect_stdout(io.StringIO()):
        example = runpy.run_path(str(Path(app.srcdir).parent / "examples" / "plot_xor.py"))
    network = example["train"](0, record="epoch")
    page = explore(network, example["X"], example["y"], live=True, title="Learning exclusive or")
    folder = Path(app.srcdir) / "generated"
    folder.mkdir(exist_ok=True)
    (folder / "explorer_xor.html").write_text(page._repr_html_(), encoding="utf-8")


def setup(app):
    """Connect what is above."""
    app.connect("autodoc-process-docstring", own_references_only)
    app.connect("missing-reference", page_of_scikit_learn)
    app.connect("builder-inited", write_explorer)


# ---- gallery ------------------------------------------------------------------------------

# The order in the gallery; a file that is not named here comes after those that are.
EXAMPLES = [
    "plot_single_neuron.py",
    "plot_gradient_descent_three_ways.py",
    "plot_logistic_neuron.py",
    "plot_learning_slowdown.py",
    "plot_perceptron_rule.py",
    "plot_xor.py",
    "plot_network_diagram.py",
    "plot_explorer.py",
    "plot_universal_approximation.py",
    "plot_overfitting.py",
    "plot_diagnosis.py",
    "plot_search_display.py",
    "plot_nested_search.py",
    "plot_out_of_core.py",
    "distributed_search.py",
    "plot_drop_in_benchmark.py",
    "dask_cluster.py",
    "onnx_serving.py",
]
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "within_subsection_order": ExplicitOrder([*EXAMPLES, "*"]),
    "capture_repr": (),
    "min_reported_time": 5,
    "write_computation_times": False,
    "notebook_extensions": set(),  # Python files are offered, notebooks are not
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "backreferences_dir": "generated/gallery",  # what the reference pages list
    "doc_module": ("sklearn_neuron",),
    "reference_url": {"sklearn_neuron": None},
}

# ---- pages --------------------------------------------------------------------------------

copybutton_exclude = ".linenos, .gp, .go"  # neither prompts nor outputs

html_theme = "pydata_sphinx_theme"
html_title = f"sklearn_neuron {release}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_search_scorer = str(Path(__file__).parent / "_templates" / "scorer.js")
html_copy_source = False
html_show_sourcelink = False
# no list of pages beside those that have none below them
ALONE = [
    "index",
    "getting_started",
    "features",
    "relations",
    "extending",
    "architecture",
    "defaults",
    "performance",
]
html_sidebars = {page: [] for page in ALONE}
html_theme_options = {
    "logo": {"text": "sklearn_neuron"},
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    "header_links_before_dropdown": 8,
    "navigation_with_keys": False,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "footer_start": ["copyright"],
    "footer_end": [],
}
