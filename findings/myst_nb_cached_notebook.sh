#!/usr/bin/env bash
# myst-nb writes an executed notebook on a fresh run and an unexecuted one on a cache hit.
#
# Seen with myst-nb 1.4.0 and sphinx 7.4.7: with nb_execution_mode = "cache" the file
# _build/jupyter_execute/page.ipynb, which themes offer for download, has the cell's output after the
# first build. A second build that reads the page again finds its outputs in the cache, shows them
# in the page, and writes the notebook without them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet myst-nb==1.4.0 sphinx==7.4.7 ipykernel
mkdir "$folder/book"
cat > "$folder/book/conf.py" <<'PY'
extensions = ["myst_nb"]
nb_execution_mode = "cache"
PY
cat > "$folder/book/index.md" <<'MD'
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  name: python3
---

# A page

```{code-cell} ipython3
print("forty-two")
```
MD
cd "$folder"
"$folder/env/bin/python" -m ipykernel install --sys-prefix >/dev/null 2>&1
outputs() {
    "$folder/env/bin/sphinx-build" -q -E book site 2>/dev/null
    "$folder/env/bin/python" - <<'PY'
import json
from pathlib import Path

notebook = json.loads(next(Path(".").rglob("jupyter_execute/index.ipynb")).read_text())
shown = "forty-two" in Path("site/index.html").read_text().split("print(")[-1]
count = sum(len(cell.get("outputs", [])) for cell in notebook["cells"])
print(count, "page shows the output:", shown)
PY
}
first=$(outputs)
second=$(outputs)
echo "outputs in the notebook, first build: $first"
echo "outputs in the notebook, second build: $second"
[[ ${first%% *} == 1 && ${second%% *} == 0 ]] || { echo "this has changed" >&2; exit 1; }
