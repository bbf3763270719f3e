"""What the benchmarks of training on Dask share; import it before anything of Dask.

Dask looks for the package ``sparse``, and would find the benchmark of that name.
"""

import sys

sys.modules["sparse"] = None
