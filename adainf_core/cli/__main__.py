"""`python -m adainf_core.cli`, which torchrun starts."""

import sys

from adainf_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
