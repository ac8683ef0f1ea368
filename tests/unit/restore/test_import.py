"""Import: every message of an archive once, here or elsewhere, and never over a newer one."""

import gzip
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chatledger.aws.table import ConditionFailed
from chatledger.errors import StorageError
from chatledger.formats.archive import HeadRecord, read_archive
from chatledger.ledger import links
from chatledger.ledger.append import append
from chatledger.ledger.entries import Origin, tombstone
from chatledger.ledger.standing import standing
from chatledger.messages import Message
from chatledger.restore.job import Counts
from tests.fakes.archives import live_entries
from tests.fakes.audit import Account, audit
from tests.fakes.chats import NOON, ORGANIZATION, at_once, batch, ledger_on, message, noise
from tests.fakes.clears import CONVERSATIONS, says
from tests.fakes.faults import Call, Crashed, Fault, FaultyTable, at
from tests.fakes.restores import IMPORT, Restored, compressed_anew

OTHER = "other org"
Change = Callable[[bytes], bytes]
WAYS = [
    pytest.param(lambda data: data, id="as downloaded"),
    pytest.param(compressed_anew, id="compressed anew"),
]
ways = pytest.mark.parametrize("change", WAYS)
listed = pytest.mark.parametrize("with_manifest", [True, False], ids=["manifest", "none"])


@pytest.fixture
def world() -> Restored:
    world = Restored()
    world.fill()
    return world


def by_conversation(account: Account) -> dict[str, list[Message]]:
    """In time order, the revisions of a message in the order of their slots."""
    found: dict[str, list[Message]] = {}
    for each in sorted(account.messages, key=lambda each: each.timestamp):
        found.setdefault(each.conversation_id, []).append(each)
    return found


def shown(world: Restored, organization: str) -> dict[str, list[Message]]:
    """What a reader sees of each quarter hour, in its order."""
    found: dict[str, list[Message]] = {}
    entries = audit(world.ledger, organization).entries
    for quarter in sorted({(each.place.conversation_id, each.quarter) for each in entries}):
        run = [each for each in entries if (each.place.conversation_id, each.quarter) == quarter]
        run.sort(key=lambda each: (each.place.slot, each.place.piece))
        found.setdefault(quarter[0], []).extend(standing(run))
    return found


def described(account: Account) -> dict[str, Any]:
    return {name: replace(head, token=None) for name, head in account.heads.items()}


@ways
@listed
def test_an_archive_into_another_organization(world: Restored, change: Change, with_manifest: bool):
    """Every message once: the same ids, the same order, the same heads and users."""
    world.add(says("plain", 1, content="revised"), title="new", users=("bob",))
    world.add(says("plain", 1, content="revised again"))
    world.archived()
    archive, manifest = world.archive_file()
    counts = world.restore(change(archive), manifest if with_manifest else None, into=OTHER)
    assert counts == Counts(restored=22)
    here, there = audit(world.ledger), audit(world.ledger, OTHER)
    assert by_conversation(there) == by_conversation(here)
    assert shown(world, OTHER) == shown(world, ORGANIZATION)
    assert described(there) == described(here)


@ways
@listed
def test_a_second_time_adds_nothing(world: Restored, change: Change, with_manifest: bool):
    world.archived()
    archive, manifest = world.archive_file()
    manifest = manifest if with_manifest else None
    world.restore(change(archive), manifest, "I1", OTHER)
    before = {key: world.table.peek(key) for key in world.table.keys_of_kind("D")}
    assert world.restore(change(archive), manifest, "I2", OTHER) == Counts(already_there=20)
    assert world.restore(change(archive), manifest, "I3") == Counts(already_there=20)
    assert {key: world.table.peek(key) for key in world.table.keys_of_kind("D")} == before


@ways
@listed
def test_what_was_cleared_is_revived(world: Restored, change: Change, with_manifest: bool):
    """Under its own keys and slots: the tombstones are proven to be of these lines."""
    before = {entry.key: entry.payload for entry in world.entries()}
    world.clear_all()
    archive, manifest = world.archive_file()
    cleared = world.entries()
    assert world.restore(change(archive), manifest if with_manifest else None) == Counts(20)
    assert {entry.key: entry.payload for entry in world.entries()} == before
    audit(world.ledger)
    for entry in cleared:
        with pytest.raises(ConditionFailed):
            world.table.update(tombstone(replace_payload(entry, before), "E1", NOON))


def replace_payload(entry: Any, payloads: dict[Any, bytes]) -> Any:
    return replace(entry, item={**entry.item, "payload": payloads[entry.key]})


def test_a_tombstone_that_the_archive_cannot_prove_stays(world: Restored):
    """Of an entry of two messages the archive holds one: the other would be lost for good."""
    world.add(says("pair", 0), replaced(says("pair", 0), id="second"))
    world.archived()
    archive, _ = world.archive_file()
    world.clear()
    world.reconcile()
    lines = gzip.decompress(archive).splitlines(keepends=True)
    some = gzip.compress(b"".join(line for line in lines if b'"second"' not in line))
    assert world.restore(some) == Counts(restored=20, left_alone=1)
    assert "text 0 of pair" not in world.live()
    assert world.restore(archive, import_id="I2") == Counts(restored=2, already_there=20)
    audit(world.ledger)


def replaced(each: Message, **changes: Any) -> Message:
    return msgspec.structs.replace(each, **changes)


# --- revisions ---------------------------------------------------------------------------------


@listed
def test_a_newer_live_revision_is_never_replaced(world: Restored, with_manifest: bool):
    world.archived()
    archive, manifest = world.archive_file()
    world.add(says("plain", 1, content="newer"))
    # The first revision is gone altogether, as after the life of a tombstone.
    gone = next(each for each in world.entries() if holds(each, "text 1 of plain"))
    world.clock.go_on(days=1)
    world.table.delete(gone.key)
    world.add(says("plain", 99))
    counts = world.restore(archive, manifest if with_manifest else None)
    assert counts == Counts(already_there=19, left_alone=1)
    assert world.live()["text 1 of plain"] == 0


def holds(entry: Any, content: str) -> bool:
    return any(each.content == content for each in entry.messages())


def test_a_newer_archived_revision_goes_in_where_the_manifest_proves_it(world: Restored):
    """The newer one was cleared, its tombstone has expired, and the older one is live."""
    world.add(says("plain", 1, content="newer"))
    world.archived()
    archive, manifest = world.archive_file()
    gone = next(each for each in world.entries() if holds(each, "newer"))
    world.clock.go_on(days=1)
    world.table.delete(gone.key)
    world.add(says("plain", 99))
    assert world.restore(archive, None, "I1") == Counts(already_there=20, left_alone=1)
    assert world.restore(archive, manifest, "I2") == Counts(restored=1, already_there=20)
    assert shown_text(world, "plain", 1) == "newer"


def shown_text(world: Restored, conversation_id: str, number: int) -> str:
    entries = [each for each in world.entries() if each.place.conversation_id == conversation_id]
    at = says(conversation_id, number).timestamp
    runs = {each.quarter: [e for e in entries if e.quarter == each.quarter] for each in entries}
    found = [each for run in runs.values() for each in standing(run) if each.timestamp == at]
    (one,) = found
    return one.content


def test_archives_restored_out_of_order_end_with_the_newest(world: Restored):
    """Restored entries keep where they came from: the older archive comes second."""
    world.archived("E1", on="acknowledged")
    first = world.archive_file("E1")
    world.add(says("plain", 1, content="newer"))
    world.archived("E2", on="acknowledged")
    second = world.archive_file("E2")
    assert world.restore(*second, "I2", OTHER) == Counts(restored=21)
    assert world.restore(*first, "I1", OTHER) == Counts(already_there=20)
    assert shown(world, OTHER) == shown(world, ORGANIZATION)


def test_an_older_archive_first_and_then_the_newer_one(world: Restored):
    world.archived("E1", on="acknowledged")
    first = world.archive_file("E1")
    world.add(says("plain", 1, content="newer"))
    world.archived("E2", on="acknowledged")
    second = world.archive_file("E2")
    assert world.restore(*first, "I1", OTHER) == Counts(restored=20)
    assert world.restore(*second, "I2", OTHER) == Counts(restored=1, already_there=20)
    assert shown(world, OTHER) == shown(world, ORGANIZATION)


def test_an_older_archive_does_not_go_over_a_newer_restored_one(world: Restored):
    """Only the newest revision was restored; an older one of the same place stays out."""
    world.add(says("plain", 1, content="second"))
    world.archived("E1", on="acknowledged")
    first = world.archive_file("E1")
    world.add(says("plain", 1, content="third"))
    newest = [each for each in world.entries() if holds(each, "third")]
    world.archived("E2", on="acknowledged", entries=newest)
    assert world.restore(*world.archive_file("E2"), "I2", OTHER) == Counts(restored=1)
    assert world.restore(*first, "I1", OTHER) == Counts(restored=19, left_alone=2)
    assert shown(world, OTHER) == shown(world, ORGANIZATION)


def test_restore_after_undo_and_undo_after_restore(world: Restored):
    world.clear_all()
    archive, manifest = world.archive_file()
    assert world.restore(archive, manifest, "I1") == Counts(restored=20)
    assert world.undo() == Counts(restored=20)
    assert world.restore(archive, manifest, "I2") == Counts(already_there=20)
    assert sum(world.live().values()) == 20
    audit(world.ledger)


def test_what_was_restored_is_cleared_and_restored_again(world: Restored):
    world.archived("E1", on="acknowledged")
    world.restore(*world.archive_file("E1"), "I1", OTHER)
    job = world.archived("E9", organization=OTHER)
    assert job.counts
    assert job.counts.messages == 20
    archive, manifest = world.archive_file("E9", OTHER)
    assert world.restore(archive, manifest, "I2", "third") == Counts(restored=20)
    assert shown(world, "third") == shown(world, ORGANIZATION)


# --- heads -------------------------------------------------------------------------------------


def test_a_live_head_keeps_what_it_says(world: Restored):
    world.add(says("plain", 60), title="old", folder_id="f", status="resolved")
    world.archived()
    append(world.ledger, OTHER, batch([says("plain", 50)], ("eve",), title="mine"))
    assert world.restore(*world.archive_file(), into=OTHER) == Counts(restored=21)
    head = audit(world.ledger, OTHER).heads["plain"]
    assert head.about == {"title": "mine", "status": "active", "app_id": "shop", "folder_id": "f"}
    assert head.users == {"ann", "eve"}


def test_users_who_wrote_nothing_are_linked(world: Restored):
    world.add(says("quiet", 0), users=("bob", "cy"))
    world.archived()
    world.restore(*world.archive_file(), into=OTHER)
    for user in ("bob", "cy"):
        assert links.exists(world.table, OTHER, user, "quiet")


# --- files that are no archive, or not this one ------------------------------------------------


def failed(world: Restored, archive: bytes, manifest: bytes | None = None) -> str:
    world.upload(archive, manifest)
    job = world.import_all()
    assert job.status == "failed"
    assert job.error
    assert job.error.code == "invalid_request"
    return job.error.error


def broken(world: Restored) -> list[tuple[bytes, str]]:
    archive, _ = world.archive_file()
    lines = gzip.decompress(archive).splitlines(keepends=True)
    far = gzip.compress(b"".join(lines[:3]))
    return [
        (b"", "no archive"),
        (b"no gzip", "after line 0"),
        (archive[:-1], "cut"),
        (archive[:-9], "after line"),
        (archive + b"rest", "after line"),
        (gzip.compress(b"".join(lines)[:-1]), "after line"),
        (far + gzip.compress(b'{"id": 1}\n'), "Line 4 "),
        (far + gzip.compress(b"[1, 2]\n"), "Line 4 "),
        (far + gzip.compress(b'{"record":"tail"}\n'), "Line 4 "),
        (far + gzip.compress(lines[1].replace(b'"m0"', b'"' + b"x" * 257 + b'"')), "Line 4 "),
        (far + gzip.compress(lines[1].replace(b'"user"', b'"root"')), "Line 4 "),
        (far + gzip.compress(lines[1].replace(b"text", b"x" * 310_000)), "300 KB"),
        (far + gzip.compress(b"[" * 5_000 + b"\n"), "Line 4 "),
        (far + gzip.compress(b" " * 9_000_000), "8 MB"),
        (far + gzip.compress(b'{"record":"head","content":"x"}\n'), "Line 4 "),
    ]


@pytest.mark.parametrize("number", range(15))
def test_a_broken_archive_fails_and_says_where(number: int):
    world = Restored()
    world.fill()
    world.archived()
    archive, words = broken(world)[number]
    error = failed(world, archive)
    assert words in error
    assert "text" not in error, "no content is told"


def test_what_was_restored_before_the_break_stays_and_a_repeat_is_safe(
    world: Restored, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("chatledger.restore.shares.GROUP_SHARES", 2)
    world.archived()
    archive, manifest = world.archive_file()
    world.upload(archive[:-3], manifest, "I1", OTHER)
    job = world.import_all("I1", OTHER)
    assert job.status == "failed"
    assert job.counts == Counts(restored=16)
    audit(world.ledger, OTHER)
    again = world.restore(archive, manifest, "I2", OTHER)
    assert again == Counts(restored=4, already_there=16)


def test_the_manifest_of_another_archive_is_refused(world: Restored):
    world.archived("E1", on="acknowledged")
    world.add(says("plain", 99))
    world.archived("E2", on="acknowledged")
    first, second = world.archive_file("E1"), world.archive_file("E2")
    assert "Line" in failed(world, second[0], first[1])
    world.table.delete(world.table.keys_of_kind("R")[0])
    assert "manifest" in failed(world, first[0], second[1])


def test_a_manifest_that_lists_more_is_refused(world: Restored):
    world.archived("E1", on="acknowledged")
    more = world.archive_file("E1")
    fewer = world.archived("E2", on="acknowledged", entries=live_entries(world.table)[:4])
    assert fewer.counts
    archive, manifest = world.archive_file("E2")
    assert "ends before" in failed(world, archive, more[1])
    world.table.delete(world.table.keys_of_kind("R")[0])
    assert "more than the manifest" in failed(world, more[0], manifest)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:100],
        lambda data: data[:-5],
        lambda data: data.replace(b'"epoch":"E"', b'"epoch":"F"'),
        lambda data: data.replace(b'"n":1', b'"n":2', 1),
        lambda data: b"",
        lambda data: b"{}\n",
    ],
)
def test_a_broken_manifest_is_refused(world: Restored, damage: Change):
    world.archived()
    archive, manifest = world.archive_file()
    failed(world, archive, damage(manifest))


def test_fields_in_another_order_and_other_offsets_are_the_same_messages(world: Restored):
    world.archived()
    archive, _ = world.archive_file()
    lines = [msgspec.json.decode(line) for line in gzip.decompress(archive).splitlines()]
    for line in lines:
        if "timestamp" in line:
            line["timestamp"] = line["timestamp"].replace("Z", "+00:00")
    foreign = b"".join(msgspec.json.encode(line, order="sorted") + b"\r\n" for line in lines)
    assert world.restore(gzip.compress(foreign)) == Counts(already_there=20)


def test_the_lines_of_conversations_may_be_mixed(world: Restored):
    """Sorted by time, say: no head stands before its messages."""
    world.archived()
    archive, _ = world.archive_file()
    lines = gzip.decompress(archive).splitlines(keepends=True)
    mixed = sorted(line for line in lines if b'"record"' not in line)
    assert world.restore(gzip.compress(b"".join(mixed)), into=OTHER) == Counts(restored=20)
    assert shown(world, OTHER) == shown(world, ORGANIZATION)


def test_members_may_end_in_the_middle_of_a_line(world: Restored):
    world.archived()
    archive, manifest = world.archive_file()
    plain = gzip.decompress(archive)
    cut = b"".join(gzip.compress(plain[at : at + 100]) for at in range(0, len(plain), 100))
    assert world.restore(cut, manifest, into=OTHER) == Counts(restored=20)


# --- one quarter hour, large ones, many messages ---------------------------------------------


def test_a_large_quarter_hour_comes_back_in_its_entries():
    world = Restored()
    big = [message(n, NOON + timedelta(seconds=n), content=noise(200_000, n)) for n in range(12)]
    world.add(*big)
    world.archived()
    archive, manifest = world.archive_file()
    assert world.restore(archive, manifest, "I1", OTHER) == Counts(restored=12)
    assert world.restore(compressed_anew(archive), None, "I2", "third") == Counts(restored=12)
    for organization in (OTHER, "third"):
        assert shown(world, organization) == shown(world, ORGANIZATION)


@ways
@listed
def test_appends_within_one_quarter_hour_keep_their_order(change: Change, with_manifest: bool):
    """Equal times are in the order they were first held, whatever their ids."""
    world = Restored()
    for number in (5, 3, 4, 1, 2):
        world.add(message(number, NOON), message(10 + number, NOON + timedelta(minutes=1)))
    world.archived()
    archive, manifest = world.archive_file()
    counts = world.restore(change(archive), manifest if with_manifest else None, into=OTHER)
    assert counts == Counts(restored=10)
    assert shown(world, OTHER) == shown(world, ORGANIZATION)
    origins = [entry.origin for entry in audit(world.ledger, OTHER).entries]
    expected = [Origin("E", ORGANIZATION, slot) for slot in range(1, 6)]
    assert sorted(filter(None, origins)) == (expected if with_manifest else [])


def test_a_share_of_more_entries_than_a_transaction_holds_is_counted_once():
    """The first transaction commits; before the second, somebody takes the slot."""
    world = Restored()
    said = [message(n, NOON + timedelta(minutes=15 * n)) for n in range(130)]
    world.add(*said)
    world.archived()
    world.upload(*world.archive_file(), into=OTHER)
    count = [0]

    def race(call: Call) -> Fault | None:
        if call.operation == "transact":
            count[0] += 1
            if count[0] == 2:
                append(ledger_on(world.table), OTHER, batch([message(900, NOON)]))
        return None

    table = FaultyTable(world.table, race)
    assert world.import_all(into=OTHER, ledger=world.ledger_on(table)).counts == Counts(130)
    assert count[0] == 4, "the last one ends the job, on record"
    assert len(audit(world.ledger, OTHER).messages) == 131


def test_writers_at_once_lose_nothing(world: Restored):
    """An import, another of the same, and clients who post to the same conversations."""
    world.archived()
    files = world.archive_file()
    for number in range(2):
        world.upload(*files, f"I{number}", OTHER)

    def write(number: int) -> Any:
        if number < 2:
            return world.import_all(f"I{number}", OTHER).counts
        ledger = ledger_on(world.table)
        for turn in range(15):
            said = says(CONVERSATIONS[turn % 5], 100 * number + turn)
            append(ledger, OTHER, batch([said, says(CONVERSATIONS[turn % 5], turn % 4)]))
        return None

    done = at_once(4, write)
    assert not [each for each in done if isinstance(each, Exception)]
    account = audit(world.ledger, OTHER)
    assert len(account.messages) == 20 + 30
    counts = [each for each in done if isinstance(each, Counts)]
    assert [each.messages for each in counts] == [20, 20]
    assert all(each.left_alone == 0 for each in counts)


def test_more_conversations_than_a_group_and_more_than_a_transaction_holds():
    world = Restored()
    names = tuple(f"c{number}" for number in range(130))
    world.fill(3, names)
    world.archived()
    archive, manifest = world.archive_file()
    before = len(world.table.journal)
    assert world.restore(archive, manifest, into=OTHER) == Counts(restored=390)
    asked = world.table.operations()[before:]
    assert asked.count("transact") < 40
    assert len(asked) < 4 * 130 + 150
    audit(world.ledger, OTHER)


# --- going on, and whatever happens to any one request -----------------------------------------


class Dies(BaseException):
    """The function was killed."""


@pytest.mark.parametrize("shares", [1, 2, 3])
@ways
@listed
def test_a_killed_function_goes_on_where_it_was(
    shares: int, change: Change, with_manifest: bool, monkeypatch: pytest.MonkeyPatch
):
    """Killed before each group in turn, all that counts is counted once."""
    monkeypatch.setattr("chatledger.restore.shares.GROUP_SHARES", shares)
    world = Restored()
    world.fill()
    world.add(says("plain", 1, content="revised"))
    world.archived()
    archive, manifest = world.archive_file()
    world.upload(change(archive), manifest if with_manifest else None, into=OTHER)
    killed = kill_after(monkeypatch, world, 2)
    job = None
    for _ in range(40):
        try:
            job = world.import_all(into=OTHER)
            break
        except Dies:
            continue
    assert job
    assert killed() > 2
    assert job.status == "succeeded"
    assert job.counts == Counts(restored=21)
    assert job.progress.messages == 21
    assert shown(world, OTHER) == shown(world, ORGANIZATION)


def kill_after(monkeypatch: pytest.MonkeyPatch, world: Restored, groups: int) -> Callable[[], int]:
    """Each run of the step dies after so many groups; three seconds go by with each."""
    from chatledger.restore import import_file as step

    put_back, count, deaths = step.put_back, 0, 0

    def dying(*args: Any) -> Counts:
        nonlocal count, deaths
        count += 1
        counts = put_back(*args)
        world.clock.go_on(seconds=2)
        if count % groups == 0 and deaths < 20:
            deaths += 1
            raise Dies
        return counts

    monkeypatch.setattr(step, "put_back", dying)
    return lambda: deaths


@ways
@listed
def test_time_that_runs_out_is_gone_on_with(
    world: Restored, change: Change, with_manifest: bool, monkeypatch: pytest.MonkeyPatch
):
    from chatledger.restore.import_file import import_file

    monkeypatch.setattr("chatledger.restore.shares.GROUP_SHARES", 1)
    world.archived()
    archive, manifest = world.archive_file()
    world.upload(change(archive), manifest if with_manifest else None, into=OTHER)
    calls = 0
    while not import_file(world.ledger, world.exports, OTHER, IMPORT, world.clock.now()):
        calls += 1
        assert calls < 20, "it does not get on"
    assert calls == len(CONVERSATIONS)
    world.finish(IMPORT, into=OTHER)
    assert world.restore_job(IMPORT, OTHER).counts == Counts(restored=20)


def half_cleared() -> Restored:
    """Some of the archive is live, some a tombstone, some gone, some revised."""
    world = Restored()
    world.fill(2, ("plain", "b/c"))
    world.add(says("plain", 1, content="revised"))
    world.archived(parts=1)
    world.clear()
    world.reconcile()
    world.clock.go_on(days=1)
    world.add(says("b/c", 40))
    world.add(says("plain", 40))
    gone = [each for each in world.tombstones() if each.place.conversation_id == "b/c"]
    world.table.delete(gone[0].key)
    return world


@pytest.mark.parametrize("fault", list(Fault))
def test_a_fault_at_any_request(fault: Fault):
    world = half_cleared()
    world.upload(*world.archive_file())
    counted = FaultyTable(world.table, lambda _: None)
    expected = world.import_all(ledger=world.ledger_on(counted)).counts
    assert expected == Counts(restored=5)
    for number in range(1, counted.calls + 1):
        world = half_cleared()
        world.upload(*world.archive_file())
        faulty = world.ledger_on(FaultyTable(world.table, at({number: fault})))
        try:
            job = world.import_all(ledger=faulty)
        except (Crashed, StorageError):
            job = world.import_all()
        assert job.status == "succeeded", number
        assert job.counts == expected, number
        assert shown_text(world, "plain", 1) == "revised"
        assert sum(world.live().values()) == 7


def test_a_bucket_that_fails_at_any_call(world: Restored):
    world.archived()
    files = world.archive_file()
    calls: list[str] = []
    world.exports.before = calls.append
    world.restore(*files, "I0", "org 0")
    for number in range(1, len(calls) + 1):
        into = f"org {number}"
        world.exports.before = lambda _: None
        world.upload(*files, f"I{number}", into)
        world.exports.before = failing_at(number - 2)
        try:
            job = world.import_all(f"I{number}", into)
        except StorageError:
            world.exports.before = lambda _: None
            job = world.import_all(f"I{number}", into)
        assert (job.status, job.counts) == ("succeeded", Counts(restored=20))


def failing_at(number: int) -> Callable[[str], None]:
    count = 0

    def before(_: str) -> None:
        nonlocal count
        count += 1
        if count == number:
            raise StorageError

    return before


# --- others write meanwhile --------------------------------------------------------------------


def test_a_revision_that_comes_between_the_look_and_the_commit_stays_the_newest(
    world: Restored,
):
    """Somebody appends a newer content of a message just before its older one is committed."""
    world.archived()
    files = world.archive_file()
    raced: list[int] = []
    newer = [says("plain", 1, content="newer")]

    def race(call: Call) -> Fault | None:
        if call.operation == "transact" and not raced:
            raced.append(1)
            append(ledger_on(world.table), OTHER, batch(newer))
        return None

    world.upload(*files, into=OTHER)
    world.import_all(into=OTHER, ledger=world.ledger_on(FaultyTable(world.table, race)))
    counts = world.restore_job(IMPORT, OTHER).counts
    assert counts == Counts(restored=19, left_alone=1)
    (shown_now,) = [
        each for each in shown(world, OTHER)["plain"] if each.timestamp == newer[0].timestamp
    ]
    assert shown_now.content == "newer"
    audit(world.ledger, OTHER)


@pytest.mark.parametrize("shards", [1, 16])
def test_with_writers_on_every_slot_it_gets_through(world: Restored, shards: int):
    """Each transaction finds its slot taken, the first time it is tried."""
    world.archived()
    files = world.archive_file()
    count = [0]

    def race(call: Call) -> Fault | None:
        if call.operation == "transact":
            count[0] += 1
            if count[0] % 2:
                noise_of = says("plain" if shards > 1 else "busy", 1000 + count[0])
                append(ledger_on(world.table, shards=shards), OTHER, batch([noise_of]))
        return None

    table = FaultyTable(world.table, race)
    world.upload(*files, into=OTHER)
    job = world.import_all(into=OTHER, ledger=ledger_on(table, shards=shards))
    assert job.counts == Counts(restored=20)
    audit(ledger_on(world.table, shards=shards), OTHER)


def test_two_imports_of_the_same_at_once_add_it_once(world: Restored):
    world.archived()
    files = world.archive_file()
    world.upload(*files, "I2", OTHER)
    raced: list[int] = []

    def race(call: Call) -> Fault | None:
        if call.operation == "transact" and not raced:
            raced.append(1)
            world.import_all("I2", OTHER)
        return None

    world.upload(*files, "I1", OTHER)
    first = world.import_all(
        "I1", OTHER, ledger=world.ledger_on(FaultyTable(world.table, race))
    ).counts
    second = world.restore_job("I2", OTHER).counts
    assert second == Counts(restored=20)
    assert first == Counts(already_there=20)
    audit(world.ledger, OTHER)


def test_the_uploaded_archive_is_read_back_by_the_format(world: Restored):
    world.archived()
    archive, _ = world.archive_file()
    records = list(read_archive(io.BytesIO(archive)))
    assert sum(isinstance(each, HeadRecord) for each in records) == len(CONVERSATIONS)
