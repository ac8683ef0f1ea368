import io
import os
import zipfile
from pathlib import Path

import pytest

from local.code import function_archive, layer_directory


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "function/__pycache__").mkdir(parents=True)
    (tmp_path / "function/app.py").write_text("x = 1\n")
    (tmp_path / "function/__pycache__/app.pyc").write_bytes(b"left out")
    return tmp_path / "function"


def test_equal_code_is_an_equal_archive(folder: Path) -> None:
    first = function_archive(folder)
    os.utime(folder / "app.py", (0, 0))
    assert function_archive(folder) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.namelist() == ["app.py"]


def test_changed_layer_code_gets_another_directory(tmp_path: Path) -> None:
    package = tmp_path / "layer/chatledger"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    first = layer_directory(tmp_path / "layer", tmp_path / "data")
    assert layer_directory(tmp_path / "layer", tmp_path / "data") == first
    (package / "__init__.py").write_text("new = True\n")
    second, _ = layer_directory(tmp_path / "layer", tmp_path / "data").split(":")
    assert second not in first
    assert (Path(second) / "chatledger/__init__.py").read_text() == "new = True\n"
