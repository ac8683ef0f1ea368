"""The template, deployed once for all end-to-end tests, with its policies enforced."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from local.installation import Installation
from local.sample import client
from local.settings import Settings
from tests.ports import free_port


@dataclass(frozen=True)
class Deployment:
    """A Chatledger that runs: ``http`` speaks as its operator."""

    installation: Installation
    key: str
    http: httpx.Client

    @property
    def url(self) -> str:
        return self.installation.url

    @property
    def endpoint(self) -> str:
        """Where the engine's AWS services answer."""
        return self.installation.engine.endpoint

    def physical_id(self, logical_id: str) -> str:
        """The name that a resource of the template got."""
        return self.installation.deployed.resources[logical_id]

    def aws(self, service: str) -> Any:
        """A boto3 client that may do everything."""
        return self.installation.cloud.client(service)

    def as_key(self, key: str) -> httpx.Client:
        """A client that speaks with another key."""
        return client(self.url, key)


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    settings = Settings(port=free_port(), data=tmp_path_factory.mktemp("chatledger"))
    with Installation(settings) as installation:
        key = installation.first_key()
        installation.announce()
        with client(installation.url, key) as http:
            yield Deployment(installation, key, http)


@pytest.fixture
def http(deployment: Deployment) -> httpx.Client:
    """The operator's client."""
    return deployment.http
