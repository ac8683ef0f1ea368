"""The state machines in this process: the functions of their states, one after the other."""

import importlib
import json
from collections.abc import Callable
from typing import Any

from tests.fakes.memory_bucket import MemoryBucket, _buckets

Json = dict[str, Any]


class Context:
    """What a handler asks of Lambda: its time, which never runs out here."""

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def call(function: str, event: Json) -> Json:
    """The function's answer, both as JSON, as between the states."""
    app = importlib.import_module(f"functions.{function}.app")
    return json.loads(json.dumps(app.lambda_handler(json.loads(json.dumps(event)), Context())))


# How a state calls its function: it may repeat it, as the state machines do.
Step = Callable[[str, Json], Json]


def until_done(function: str, event: Json, step: Step = call) -> None:
    while not step(function, event)["done"]:
        pass


def export(content: Json, step: Step = call) -> None:
    """Of ``statemachines/export.asl.json``."""
    ids = {name: content[name] for name in ("organization", "export_id")}
    place = content
    if content["from"] == "plan":
        for part in _parts(step("plan", ids)):
            until_done("write_part", {**ids, "part": part}, step)
        place = step("finish", ids)
        if place["next"] == "end":
            return
    for function in ("verify", "clear"):
        for part in _parts(place):
            until_done(function, {**ids, "part": part}, step)
    until_done("reconcile", ids, step)


def restore(content: Json, step: Step = call) -> None:
    """Of ``statemachines/restore.asl.json``."""
    ids = {name: content[name] for name in ("organization", "restore_id")}
    if content["undo"]:
        for part in _parts(content):
            event = {**ids, "export_id": content["export_id"], "part": part}
            until_done("undo_part", event, step)
    else:
        until_done("import_file", ids, step)
    step("restore_finish", ids)


def _parts(place: Json) -> list[int]:
    bucket: MemoryBucket = _buckets[place["bucket"]]
    return [item["part"] for item in json.loads(bucket.objects[place["key"]])]
