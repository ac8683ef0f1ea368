"""A model of clears and undos: two entries of one message, its revision ``B`` after ``A``.

Job 1 archives, verifies and clears; it may be undone; job 2 clears after it. Writes of a clear may
come late, whatever has happened since; a step of the undo may run again; a second attempt at the
archive may end when the first one is verified; a hold may keep an entry; tombstones expire. Steps
are ``export/finish.py``, ``clear/verify.py``, ``clear/clearing.py``, ``restore/undo_part.py`` and
``jobs/lease.py``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

CONTENTS = ("A", "B")


@dataclass(frozen=True)
class Rules:
    """Each rule of the protocol; the model breaks one by setting it to False."""

    first_manifest_stands: bool = True  # what was verified is what is cleared
    clears_at_the_archived_token: bool = True  # an entry that was written since stays
    tokens_are_random: bool = True  # a counter that starts again meets an old one
    undo_takes_the_lease: bool = True  # not while the clear still writes
    undo_is_of_its_own: bool = True  # another export's tombstone is not its business
    undo_renews_tokens: bool = True  # or a clear that comes late would bite
    tombstones_win: bool = True  # no older revision comes back


class Item(NamedTuple):
    """``by``: the job and the manifest that cleared it; None: live."""

    token: int
    by: tuple[int, int] | None = None


class Manifest(NamedTuple):
    """``number``: which attempt wrote it; ``entries``: place and token of each."""

    number: int
    entries: tuple[tuple[int, int], ...]


class Job(NamedTuple):
    """``at``: idle, archived, verified, clearing, ended; ``cleared``: which places it took."""

    at: str = "idle"
    manifest: Manifest | None = None
    place: int = 0
    cleared: frozenset[int] = frozenset()


class State(NamedTuple):
    """``undo``: None, or the place it has come to; ``undone`` once it has ended.

    ``too_late``: no undo of job 1 begins any more, and no step of one is still to come.
    """

    items: tuple[Item | None, ...]
    jobs: tuple[Job, Job]
    verified: frozenset[tuple[int, int]]
    fresh: int
    undo: int | None
    undone: bool
    too_late: bool
    late: int
    again: int
    attempts: int
    expiries: int
    holds: int


def initial() -> State:
    return State(
        items=(Item(1), Item(1)),
        jobs=(Job(), Job()),
        verified=frozenset(),
        fresh=2,
        undo=None,
        undone=False,
        too_late=False,
        late=1,
        again=1,
        attempts=1,
        expiries=1,
        holds=1,
    )


@dataclass(frozen=True)
class Model:
    rules: Rules = Rules()

    def steps(self, state: State) -> Iterator[tuple[str, State]]:
        for number in (1, 2):
            for step, following in self._clear(state, number):
                yield f"clear {number}: {step}", following
        yield from self._undo(state)
        yield from self._late(state)
        yield from self._expire(state)

    def wrong(self, state: State) -> Iterator[str]:
        for place, item in enumerate(state.items):
            content = CONTENTS[place]
            listed = any(
                place in dict(job.manifest.entries)
                for number, job in enumerate(state.jobs, 1)
                if job.manifest and (number, job.manifest.number) in state.verified
            )
            if (item is None or item.by) and not listed:
                yield f"I1: {content} is in no verified archive and not live"
            if item and item.by and item.by not in state.verified:
                yield f"I2: {content} was cleared by what was never verified"
            if state.undone and item and item.by and item.by[0] == 1:
                yield f"I8: {content} is cleared by job 1, which was undone"
        yield from self._clears_stick(state)
        shown = self._shown(state)
        if shown not in (None, "B"):
            yield f"I11: a reader is shown {shown}, which was revised"

    def _clears_stick(self, state: State) -> Iterator[str]:
        for number, job in enumerate(state.jobs, 1):
            undoing = number == 1 and (state.undo is not None or state.undone)
            for place in job.cleared if not undoing else ():
                item = state.items[place]
                if item and not item.by:
                    yield f"I8: {CONTENTS[place]} is back, and job {number} was not undone"

    def _shown(self, state: State) -> str | None:
        """The highest slot wins, tombstones included; a live one before what has expired."""
        there = [(place, item) for place, item in enumerate(state.items) if item]
        if not self.rules.tombstones_win:
            there = [(place, item) for place, item in there if not item.by]
        if not there:
            return None
        place, item = there[-1]
        # An expired winner left nothing: a live older revision keeps its tombstone above it.
        return None if item.by or state.items[-1] is None else CONTENTS[place]

    # --- clear ------------------------------------------------------------------------------

    def _clear(self, state: State, number: int) -> Iterator[tuple[str, State]]:
        job = state.jobs[number - 1]
        if job.at == "idle" and self._may_begin(state, number):
            yield "takes the lease and archives", self._archived(state, number, 1)
        elif job.at == "archived" and job.manifest:
            verified = state.verified | {(number, job.manifest.number)}
            yield (
                "verifies",
                _with(state, number, job._replace(at="clearing"))._replace(verified=verified),
            )
        elif job.at == "clearing" and job.manifest:
            yield from self._clear_next(state, number, job, job.manifest)
        if number == 1 and job.at in ("clearing", "archived") and state.attempts:
            again = state._replace(attempts=state.attempts - 1)
            if self.rules.first_manifest_stands:
                yield "a second attempt at the archive ends, and finds the first", again
            else:
                archived = self._archived(again, number, 2)
                kept = archived.jobs[0]._replace(at=job.at, place=job.place, cleared=job.cleared)
                yield "a second attempt at the archive ends", _with(archived, number, kept)

    def _may_begin(self, state: State, number: int) -> bool:
        """The lease: one at a time, clears and undos alike."""
        if number == 1:
            return True
        undoing = state.undo is not None and not state.undone
        return state.jobs[0].at == "ended" and not undoing

    def _archived(self, state: State, number: int, attempt: int) -> State:
        entries = tuple(
            (place, item.token) for place, item in enumerate(state.items) if item and not item.by
        )
        job = Job("archived", Manifest(attempt, entries))
        return _with(state, number, job)

    def _clear_next(
        self, state: State, number: int, job: Job, manifest: Manifest
    ) -> Iterator[tuple[str, State]]:
        if job.place == len(manifest.entries):
            ended = _with(state, number, job._replace(at="ended"))
            if number == 1 and state.undone:
                # Its receipt is written over what the undo said of the job.
                ended = ended._replace(undo=None, undone=False, too_late=True)
            yield "has ended, and says what it cleared", ended
            return
        place, token = manifest.entries[job.place]
        following = job._replace(place=job.place + 1)
        if self._bites(state, place, token):
            taken = self._tombstone(state, number, manifest.number, place)
            done = following._replace(cleared=job.cleared | {place})
            yield f"clears {CONTENTS[place]}", _with(taken, number, done)
        else:
            yield f"{CONTENTS[place]} was written since", _with(state, number, following)
        if state.holds:
            held = state._replace(holds=state.holds - 1)
            yield f"a hold keeps {CONTENTS[place]}", _with(held, number, following)

    def _bites(self, state: State, place: int, token: int) -> bool:
        item = state.items[place]
        if item is None or item.by:
            return False
        return item.token == token or not self.rules.clears_at_the_archived_token

    def _tombstone(self, state: State, number: int, manifest: int, place: int) -> State:
        token, state = self._token(state, place)
        return _with_item(state, place, Item(token, (number, manifest)))

    def _token(self, state: State, place: int) -> tuple[int, State]:
        if self.rules.tokens_are_random:
            return state.fresh, state._replace(fresh=state.fresh + 1)
        item = state.items[place]
        return (item.token + 1 if item else 1), state

    def _late(self, state: State) -> Iterator[tuple[str, State]]:
        """A write of the first clear that got no answer is applied now."""
        job = state.jobs[0]
        if not state.late or job.at not in ("clearing", "ended") or not job.manifest:
            return
        number = job.manifest.number
        if (1, number) not in state.verified:
            return
        for place, token in job.manifest.entries[: max(job.place, 1)]:
            if self._bites(state, place, token):
                taken = self._tombstone(state, 1, number, place)
                name = f"a write of clear 1 comes late: {CONTENTS[place]} is cleared"
                yield name, taken._replace(late=state.late - 1)

    # --- undo -------------------------------------------------------------------------------

    def _undo(self, state: State) -> Iterator[tuple[str, State]]:
        job = state.jobs[0]
        if not job.manifest:
            return
        free = job.at == "ended" and state.jobs[1].at in ("idle", "ended")
        if not self.rules.undo_takes_the_lease:
            free = job.at in ("clearing", "ended")
        if state.undo is None and free and not state.too_late:
            yield "undo: takes the lease", state._replace(undo=0)
        elif state.undo is not None and not state.undone:
            if state.undo == len(job.manifest.entries):
                yield "undo: has ended", state._replace(undone=True)
                return
            place, token = job.manifest.entries[state.undo]
            step, back = self._put_back(state, place, token)
            yield f"undo: {step}", back._replace(undo=state.undo + 1)
        elif state.undone and state.again and not state.too_late:
            for place, token in job.manifest.entries:
                step, back = self._put_back(state, place, token)
                yield f"undo: a step runs again: {step}", back._replace(again=state.again - 1)

    def _put_back(self, state: State, place: int, archived: int) -> tuple[str, State]:
        item, content = state.items[place], CONTENTS[place]
        token, following = self._token(state, place)
        renewed = token if self.rules.undo_renews_tokens else archived
        if item is None:
            back = token if self.rules.tokens_are_random else 1
            return f"puts {content} back anew", _with_item(following, place, Item(back))
        if item.by:
            if item.by[0] != 1 and self.rules.undo_is_of_its_own:
                return f"leaves {content} alone", state
            return f"revives {content}", _with_item(following, place, Item(renewed))
        if item.token == archived and self.rules.undo_renews_tokens:
            return f"gives {content} a fresh token", _with_item(following, place, Item(token))
        return f"leaves {content} alone", state

    # --- expiry -----------------------------------------------------------------------------

    def _expire(self, state: State) -> Iterator[tuple[str, State]]:
        """Never a tombstone above a live older revision.

        An undo may be asked for as long as tombstones live, and those of job 2 live longer than
        job 1 may be undone: it began when job 1 had ended.
        """
        if not state.expiries:
            return
        for place, item in enumerate(state.items):
            older = state.items[:place]
            if not item or not item.by or any(each and not each.by for each in older):
                continue
            undoing = state.undo is not None and not state.undone
            if state.jobs[item.by[0] - 1].at == "ended" and not (item.by[0] == 2 and undoing):
                too_late = state.too_late or item.by[0] == 2
                gone = _with_item(state._replace(too_late=too_late), place, None)
                name = f"the tombstone of {CONTENTS[place]} expires"
                yield name, gone._replace(expiries=state.expiries - 1)


def _with(state: State, number: int, job: Job) -> State:
    jobs = (job, state.jobs[1]) if number == 1 else (state.jobs[0], job)
    return state._replace(jobs=jobs)


def _with_item(state: State, place: int, item: Item | None) -> State:
    items = list(state.items)
    items[place] = item
    return state._replace(items=tuple(items))
