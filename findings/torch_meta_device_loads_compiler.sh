#!/usr/bin/env bash
# Asking on the device "meta" how large a network is loads torch's compiler.
#
# Seen with torch 2.15.0: weights on the device "meta" hold no numbers, and are made to count bytes or shapes
# without memory. Drawing initial weights there, or normalising features, imports torch._dynamo and several
# hundred modules more, which takes as long as importing torch itself; the same calls on the processor import
# none. A program that checks a size first thus starts a second or two later.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet torch==2.15.0 numpy==2.4.6
cat > "$folder/look.py" <<'PY'
import sys
import time

import torch
from torch.nn import functional, init

device, call = sys.argv[1:]
values = torch.empty((8, 4), device=device)
before, begun = len(sys.modules), time.process_time()
if call == "draw":
    init.normal_(values)
else:
    functional.normalize(values, dim=1)
seconds, more = time.process_time() - begun, len(sys.modules) - before
compiler = "torch._dynamo" in sys.modules
print(f"torch {torch.__version__}: {call} on {device}: {more} modules more, {seconds:.2f} s", compiler)
assert compiler == (device == "meta"), "this has changed"
assert (more > 200) == (device == "meta"), "this has changed"
PY
for device in cpu meta; do
    for call in draw normalise; do
        "$folder/env/bin/python" "$folder/look.py" "$device" "$call"
    done
done
