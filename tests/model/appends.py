"""A model of the append and of its readers: one shard, one conversation, one quarter hour.

Appenders bring contents of one message: ``A``, the same ``A`` again (a client that repeats), and
the revision ``B``. Each step is one request of ``ledger/append.py`` and ``ledger/commit.py``; a
transaction may meet a conflict, lose its answer, or be the last thing that a function does. A slot
may show before its entry does. Readers are ``chats/changes.py``.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Rules:
    """Each rule of the protocol; the model breaks one by setting it to False."""

    same_slot_after_conflict: bool = True  # the next slot would leave a gap
    slot_before_look: bool = True  # the slot is the lock on the look
    waits_for_entries: bool = True  # a slot that shows lists entries that may not
    all_revisions_count: bool = True  # a late repeat of an older one is a duplicate
    reads_the_last_slot: bool = True  # a remembered one says nothing of who came since
    position_is_a_slot: bool = True  # a time says nothing of what comes late


class Slot(NamedTuple):
    number: int
    content: str
    time: int
    by: int
    shows: bool


class Appender(NamedTuple):
    """``at`` is the next request; ``last`` what it read; ``token`` is new with each attempt."""

    content: str
    time: int
    at: str = "begin"
    last: int = 0
    token: int = 0


class Reader(NamedTuple):
    """``told`` are the contents in the order they were told."""

    position: int = 0
    told: tuple[str, ...] = ()


class State(NamedTuple):
    slots: tuple[Slot, ...]
    appenders: tuple[Appender, ...]
    reader: Reader
    faults: int
    crashes: int
    acknowledged: frozenset[str] = frozenset()


def initial(faults: int = 2, crashes: int = 1) -> State:
    """The repeated ``A`` is the later one in time, so that ``B`` is late beside it."""
    appenders = (Appender("A", 2), Appender("A", 2), Appender("B", 1))
    return State((), appenders, Reader(), faults, crashes)


@dataclass(frozen=True)
class Model:
    rules: Rules = Rules()

    def steps(self, state: State) -> Iterator[tuple[str, State]]:
        for place, appender in enumerate(state.appenders):
            for step, following in self._append(state, place, appender):
                yield f"append {appender.content} ({place + 1}): {step}", following
        for place, slot in enumerate(state.slots):
            if not slot.shows:
                yield f"the entry of slot {slot.number} shows", _with_slot(state, place)
        yield from self._read(state)

    def wrong(self, state: State) -> Iterator[str]:
        numbers = [slot.number for slot in state.slots]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"I9: slots {numbers} have a gap, where every reader stops"
        contents = Counter(slot.content for slot in state.slots)
        for content, count in contents.items():
            if count > 1:
                yield f"I5: {content} was accepted once and is held {count} times"
        for content in state.acknowledged - contents.keys():
            yield f"I1: {content} was acknowledged and is not there"
        told = Counter(state.reader.told)
        for content, count in told.items():
            if count > 1:
                yield f"I9: {content} was told {count} times"
        over = all(each.at == "done" for each in state.appenders)
        if over and all(slot.shows for slot in state.slots):
            rest = Counter(self._drained(state))
            for content in contents.keys() - (told + rest).keys():
                yield f"I9: {content} was committed and is never told"

    # --- append -----------------------------------------------------------------------------

    def _append(self, state: State, place: int, me: Appender) -> Iterator[tuple[str, State]]:
        rules = self.rules
        first, second = ("slot", "look") if rules.slot_before_look else ("look", "slot")
        if me.at == "begin":
            yield from self._append(state, place, me._replace(at=first))
        elif me.at == "slot":
            last = max((slot.number for slot in state.slots), default=0)
            following = second if first == "slot" else "commit"
            yield f"reads the last slot, {last}", _with(state, place, me, at=following, last=last)
        elif me.at == "look":
            yield from self._look(state, place, me, "commit" if second == "look" else second)
        elif me.at == "commit":
            yield from self._commit(state, place, me)

    def _look(
        self, state: State, place: int, me: Appender, following: str
    ) -> Iterator[tuple[str, State]]:
        listed = [slot for slot in state.slots if slot.number <= me.last]
        if self.rules.waits_for_entries and not all(slot.shows for slot in listed):
            return  # It asks again until they show.
        shown = [slot for slot in state.slots if slot.shows]
        if not self.rules.all_revisions_count:
            shown = shown[-1:]
        if me.content in {slot.content for slot in shown}:
            done = _with(state, place, me, at="done")
            yield "looks: a duplicate", _acknowledged(done, me)
        else:
            yield "looks: not held", _with(state, place, me, at=following)

    def _commit(self, state: State, place: int, me: Appender) -> Iterator[tuple[str, State]]:
        number = me.last + 1
        there = next((slot for slot in state.slots if slot.number == number), None)
        if there:
            yield from self._taken(state, place, me, there)
            return
        slot = Slot(number, me.content, me.time, me.token * 10 + place, shows=False)
        taken = state._replace(slots=tuple(sorted((*state.slots, slot))))
        done = _with(taken, place, me, at="done")
        yield f"commits slot {number}", _acknowledged(done, me)
        if state.faults:
            less = {"faults": state.faults - 1}
            last = me.last if self.rules.same_slot_after_conflict else number
            conflict = _with(state, place, me, last=last)
            yield f"meets a conflict at slot {number}", conflict._replace(**less)
            yield f"commits slot {number}, no answer", taken._replace(**less)
        if state.crashes:
            again = {"at": "begin", "last": 0, "token": me.token + 1}
            less = {"crashes": state.crashes - 1}
            yield "dies before it commits", _with(state, place, me, **again)._replace(**less)
            yield (
                f"dies, slot {number} committed",
                _with(taken, place, me, **again)._replace(**less),
            )

    def _taken(
        self, state: State, place: int, me: Appender, there: Slot
    ) -> Iterator[tuple[str, State]]:
        if there.by == me.token * 10 + place:
            done = _with(state, place, me, at="done")
            yield f"finds slot {there.number} its own", _acknowledged(done, me)
        elif self.rules.reads_the_last_slot:
            again = _with(state, place, me, at="begin", last=0, token=me.token + 1)
            yield f"finds slot {there.number} taken", again
        else:
            counted = _with(state, place, me, last=there.number)
            yield f"finds slot {there.number} taken, and counts on", counted

    # --- read -------------------------------------------------------------------------------

    def _read(self, state: State) -> Iterator[tuple[str, State]]:
        reader = state.reader
        last = max((slot.number for slot in state.slots), default=0)
        if not self.rules.position_is_a_slot:
            late = [slot for slot in state.slots if slot.shows and slot.time > reader.position]
            if late:
                position = max(slot.time for slot in late)
                yield _told(state, position, [slot.content for slot in late])
            return
        fresh = [slot for slot in state.slots if slot.number > reader.position]
        if not fresh:
            return
        if self.rules.waits_for_entries and not all(slot.shows for slot in fresh):
            return
        yield _told(state, last, [slot.content for slot in fresh if slot.shows])

    def _drained(self, state: State) -> list[str]:
        """What the reader is told when nothing more comes."""
        rest = [following for _, following in self._read(state)]
        if not rest:
            return []
        before, after = state.reader.told, rest[0].reader.told
        return list(after[len(before) :])


def _with(state: State, place: int, appender: Appender, **changes: object) -> State:
    changed = list(state.appenders)
    changed[place] = appender._replace(**changes)
    return state._replace(appenders=tuple(changed))


def _with_slot(state: State, place: int) -> State:
    slots = list(state.slots)
    slots[place] = slots[place]._replace(shows=True)
    return state._replace(slots=tuple(slots))


def _acknowledged(state: State, appender: Appender) -> State:
    return state._replace(acknowledged=state.acknowledged | {appender.content})


def _told(state: State, position: int, contents: list[str]) -> tuple[str, State]:
    told = (*state.reader.told, *contents)
    names = ", ".join(contents) or "nothing"
    return f"a reader is told {names}", state._replace(reader=Reader(position, told))
