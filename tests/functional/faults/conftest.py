"""The product on storage that fails."""

import pytest

from chatledger.export import plan as plans
from tests.fakes.deployment import Deployment


@pytest.fixture
def deployment(environment: None, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """Two appends make a part, so that an export has several."""
    monkeypatch.setattr(plans, "APPENDS_PER_PART", 2)
    made = Deployment()
    made.install(monkeypatch)
    return made
