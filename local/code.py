"""The code that is deployed here: function archives, and the layers as directories."""

import hashlib
import io
import shutil
import zipfile
from pathlib import Path

from local.settings import ROOT

# The layers' dependencies for this machine's platform; `make` unpacks them once.
_UNPACKED = ROOT / ".tools/layer"
LAYER_DEPENDENCIES = _UNPACKED / "chatledger"
PARQUET = _UNPACKED / "parquet"

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time a zip archive knows: equal code, equal archive

# Function workers run on the engine's Python. Its packages must not stand in for one that is
# missing in the layers, so a worker sees the standard library and its layers only.
_ONLY_THE_LAYER = """import sys
sys.path[:] = [p for p in sys.path if not p.endswith(("site-packages", "dist-packages"))]
"""


def function_archive(folder: Path) -> bytes:
    """A function folder as a zip archive, the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _sources(folder):
            archive.writestr(
                zipfile.ZipInfo(str(path.relative_to(folder)), _EPOCH), path.read_bytes()
            )
    return buffer.getvalue()


def digest(data: bytes) -> str:
    """Short enough for a name, long enough to tell two versions apart."""
    return hashlib.sha256(data).hexdigest()[:16]


def layer_directory(layer: Path, data: Path) -> str:
    """A PYTHONPATH that stands for the layer.

    The package is copied under a name made of its content, so that workers that run go on with the
    code they started with and changed code starts new workers.
    """
    content = hashlib.sha256()
    for path in _sources(layer / "chatledger"):
        content.update(f"{path.relative_to(layer)}\0".encode())
        content.update(path.read_bytes())
    target = data / "package" / content.hexdigest()[:16]
    if not target.exists():
        shutil.rmtree(target.parent, ignore_errors=True)
        unpacked = target.with_suffix(".new")
        shutil.copytree(
            layer / "chatledger",
            unpacked / "chatledger",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        (unpacked / "sitecustomize.py").write_text(_ONLY_THE_LAYER)
        unpacked.rename(target)
    return f"{target}:{LAYER_DEPENDENCIES}"


def _sources(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
