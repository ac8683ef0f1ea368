"""``python -m chatledger_cli``, the same as the command ``chatledger``."""

import sys

from chatledger_cli.main import run

if __name__ == "__main__":
    sys.exit(run())
