"""What an export says of itself once its files are written: it has ended, or its clear comes."""

from datetime import datetime

import msgspec

from chatledger.export.finish import Finished
from chatledger.export.job import Clear, Job, Receipt


def with_files(job: Job, finished: Finished, now: datetime) -> Job:
    """The job with what came out; where there is something to clear, it goes on."""
    written = msgspec.structs.replace(
        job,
        counts=finished.counts,
        files=(finished.file,),
        progress=finished.progress,
        manifest=finished.manifest,
        archive=finished.archive,
        written_at=job.written_at or now,
        run_until=None,
    )
    if not written.clear:
        return msgspec.structs.replace(written, status="succeeded", finished_at=now)
    if not (finished.manifest and finished.manifest.parts):
        clear = msgspec.structs.replace(written.clear, status="cleared", receipt=Receipt())
        return msgspec.structs.replace(written, status="succeeded", clear=clear, finished_at=now)
    return msgspec.structs.replace(written, clear=_to_clear(written.clear))


def _to_clear(clear: Clear) -> Clear:
    if clear.on == "verified":
        return clear
    return msgspec.structs.replace(clear, status="awaiting_acknowledgement")
