"""`python -m adainf_core.cli`: the same as `python -m adainf_core`."""

import sys

from adainf_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
