"""Metrics: one line of the log each, which CloudWatch takes for a number (EMF)."""

from typing import Literal

from aws_lambda_powertools.metrics import MetricUnit, single_metric

NAMESPACE = "Chatledger"

Name = Literal["ClearIncomplete"]


def count(name: Name) -> None:
    """One more of it; alarms look at these."""
    with single_metric(name=name, unit=MetricUnit.Count, value=1, namespace=NAMESPACE):
        pass
