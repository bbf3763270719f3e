#!/usr/bin/env python3
"""Print the version of the package, which stands in its ``__init__.py`` and nowhere else."""

import re
from pathlib import Path

INIT = Path(__file__).resolve().parents[1] / "sklearn_neuron" / "__init__.py"
print(re.search(r'^__version__ = "(.+)"$', INIT.read_text(encoding="utf-8"), re.MULTILINE).group(1))
