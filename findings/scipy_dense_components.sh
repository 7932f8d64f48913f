#!/usr/bin/env bash
# scipy.sparse.csgraph.connected_components takes edges of 1e-8 and less out of a dense matrix.
#
# Seen with scipy 1.17.1: a path of three nodes with edges of 1 and of 1e-9 has two components as a
# dense matrix and one as a sparse one. A matrix that was divided by its sum can fall apart so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6
"$folder/env/bin/python" - <<'PY'
import numpy as np
import scipy
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

print("scipy", scipy.__version__)
path = np.zeros((3, 3))
path[0, 1] = path[1, 0] = 1.0
path[1, 2] = path[2, 1] = 1e-9
dense, sparse = (connected_components(graph)[0] for graph in (path, csr_array(path)))
print("components of a connected path: dense", dense, "sparse", sparse)
assert (dense, sparse) == (2, 1), "this has changed"
PY
