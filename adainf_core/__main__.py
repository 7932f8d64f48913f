"""`python -m adainf_core`: the command `adainf`."""

import sys

from adainf_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
