"""The state machines in this process: the functions of their states, one after the other."""

import importlib
import json
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


def until_done(function: str, event: Json) -> None:
    while not call(function, event)["done"]:
        pass


def export(content: Json) -> None:
    """Of ``statemachines/export.asl.json``."""
    ids = {name: content[name] for name in ("organization", "export_id")}
    place = content
    if content["from"] == "plan":
        for part in _parts(call("plan", ids)):
            until_done("write_part", {**ids, "part": part})
        place = call("finish", ids)
        if place["next"] == "end":
            return
    for function in ("verify", "clear"):
        for part in _parts(place):
            until_done(function, {**ids, "part": part})
    until_done("reconcile", ids)


def restore(content: Json) -> None:
    """Of ``statemachines/restore.asl.json``."""
    ids = {name: content[name] for name in ("organization", "restore_id")}
    if content["undo"]:
        for part in _parts(content):
            until_done("undo_part", {**ids, "export_id": content["export_id"], "part": part})
    else:
        until_done("import_file", ids)
    call("restore_finish", ids)


def _parts(place: Json) -> list[int]:
    bucket: MemoryBucket = _buckets[place["bucket"]]
    return [item["part"] for item in json.loads(bucket.objects[place["key"]])]
