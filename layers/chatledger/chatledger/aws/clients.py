"""Clients, made when first asked for: never at import time."""

from typing import Any, cast

import boto3
from botocore.config import Config


def client(service: str, config: Config) -> Any:
    """Return a client; endpoint, region and credentials come from the environment, as ever."""
    return cast("Any", boto3).client(service, config=config)
