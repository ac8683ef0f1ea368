"""A whole Chatledger on this machine: engine, deployed template, clean address, first key."""

import json
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from local.deploy import Cloud, Deployed, deploy
from local.engine import Engine
from local.proxy import Proxy
from local.settings import ROOT, Settings

ORGANIZATION = "default"
BOOTSTRAP = "BootstrapFunction"
SWEEP = "SweepFunction"


class InstallationError(Exception):
    """Something the installation needs did not come up; the message says what."""


class Installation:
    """Used as a context: up when entered, gracefully stopped when left."""

    def __init__(self, settings: Settings, template: Path = ROOT / "template.yaml") -> None:
        self.settings = settings
        self.url = settings.url
        self.engine = Engine(settings.data)
        self.cloud = Cloud(self.engine.endpoint)
        self._proxy = Proxy(settings.port, self.engine.endpoint)
        self._template = template
        self._deployed: Deployed | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
            self.deploy()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def deployed(self) -> Deployed:
        if self._deployed is None:
            raise InstallationError("Nothing is deployed yet.")
        return self._deployed

    def start(self) -> None:
        """Listens and starts the engine; nothing is deployed yet."""
        try:
            self._proxy.start()
        except OSError as error:
            raise InstallationError(
                f"Port {self.settings.port} is taken: choose another with PORT=… ({error.strerror})"
            ) from error
        self.engine.start()

    def deploy(self) -> None:
        """Deploys the template as it is now; may be called again after a change."""
        self._deployed = deploy(self.cloud, self._template, self.settings.data, self.url)
        resources = self._deployed.resources
        self._proxy.buckets = {v for k, v in resources.items() if k.endswith("Bucket")}

    def announce(self) -> None:
        """From now on ``GET /health`` says that all is ready.

        What ran when the engine stopped goes on nowhere: the sweep ends it now, not in 5 minutes.
        """
        self._proxy.ready.set()
        self.cloud.client("lambda").invoke(
            FunctionName=self.deployed.resources[SWEEP], InvocationType="Event", Payload=b"{}"
        )

    def first_key(self) -> str:
        """The first operator key: the one that was asked for, else one made once and kept."""
        kept = self.settings.data / "first-key"
        key = self.settings.key or (kept.read_text().strip() if kept.exists() else None)
        key = key or "clk_" + secrets.token_urlsafe(32)
        self.invoke(BOOTSTRAP, {"organization_id": ORGANIZATION, "name": "first key", "key": key})
        kept.touch(mode=0o600)
        kept.write_text(key + "\n")
        return key

    def invoke(self, function: str, event: dict[str, object]) -> dict[str, object]:
        """Calls a function of the template by its logical id, as only IAM may."""
        answer = self.cloud.client("lambda").invoke(
            FunctionName=self.deployed.resources[function], Payload=json.dumps(event)
        )
        payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise InstallationError(f"{function} failed: {json.dumps(payload)[:2000]}")
        return payload

    def stop(self) -> None:
        self._proxy.stop()
        self.engine.stop()
