#!/usr/bin/env bash
# Prints the first Python that really runs, is new enough and has pip. Each candidate is run, because a
# version manager's shims stand on the PATH even where nothing is behind them. The version that AWS runs
# comes first; $PYTHON, if set, is the only one tried.
set -euo pipefail

check='import sys, ssl, pip; assert sys.version_info >= (3, 11); print(sys.executable)'

while read -r candidate; do
  if path=$("$candidate" -c "$check" 2>/dev/null); then
    echo "$path"
    exit 0
  fi
done < <(if [ -n "${PYTHON:-}" ]; then type -ap "$PYTHON"; else type -ap python3.13 python3.12 python3.11 python3 python; fi)

echo "Chatledger needs Python 3.11 or newer with pip: none was found${PYTHON:+ as PYTHON=$PYTHON}." >&2
exit 1
