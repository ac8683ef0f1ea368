"""The executions of an export: what they are called, and what they are started with."""

from typing import Any

from chatledger.export.job import Job


def clear_execution(job: Job) -> str:
    """The execution that clears what was acknowledged, by its name."""
    return f"{job.export_id}-clear"


def execution_of(job: Job) -> str:
    """The execution that runs it, or would."""
    return job.execution or job.export_id


def input_of(job: Job, archive_bucket: str) -> dict[str, Any]:
    """Ids; and for what was acknowledged, where the list of the archive's parts lies."""
    ids = {"organization": job.organization, "export_id": job.export_id}
    if not job.is_acknowledged or not job.manifest:
        return {**ids, "from": "plan"}
    return {**ids, "from": "verify", "bucket": archive_bucket, "key": job.manifest.parts_key}
