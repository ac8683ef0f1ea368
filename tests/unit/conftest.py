"""Where a file is cut: what is in it must not depend on that."""

import pytest

from chatledger.export import chunk as chunks
from chatledger.export import plan as plans


@pytest.fixture(params=["one chunk", "chunk per conversation", "and part per shard"])
def cut(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "one chunk":
        monkeypatch.setattr(chunks, "CHUNK_BYTES", 0)
    if request.param == "and part per shard":
        monkeypatch.setattr(plans, "APPENDS_PER_PART", 0)
