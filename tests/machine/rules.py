"""What people, machines and bad luck do to the service, in any order."""

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatledger.messages import Message
from tests.machine.oracle import Account, Oracle, Revision, revision_of
from tests.machine.world import FIGURES, LONG_ENOUGH, NOW, ORGANIZATIONS, World

CONVERSATIONS = ("a", "b#1", "c d")
_NIGHT = datetime(2026, 11, 20, 23, 50, tzinfo=UTC)
# Late, equal, over midnight, and in the future of this world.
TIMES = (_NIGHT, _NIGHT, _NIGHT + timedelta(minutes=20), _NIGHT + timedelta(days=40))

organizations = st.sampled_from((*ORGANIZATIONS[:1] * 4, *ORGANIZATIONS[1:]))
conversations = st.sampled_from(CONVERSATIONS)
# Most calls go well; the others fail as a seed says.
troubles = st.one_of(st.none(), st.none(), st.integers(0, 10_000))
turns = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(TIMES), st.integers(0, 2)),
    min_size=1,
    max_size=4,
    unique_by=lambda each: each[:2],
)
ranges = st.sampled_from(
    [
        {},
        {},
        {"end_date": "2026-11-20"},
        {"start_date": "2026-11-21T00:00:00Z"},
        {"filters": {"conversation_id": [CONVERSATIONS[0]]}},
    ]
)
picks = st.integers(0, 1_000)
wholes = st.sampled_from([True, True, True, False])


class Service(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        accounts = {name: Account() for name in ORGANIZATIONS}
        self.oracle = Oracle(self.world.table, self.world.archive, self.world.ledger, accounts)
        self.exports: list[tuple[str, str]] = []
        self.claims: dict[str, str] = {}
        self.numbers = itertools.count()
        self.cursors: dict[tuple[str, int], str | None] = {}
        self.told: dict[tuple[str, int], Counter[Any]] = {}
        self.pages = Counter[str]()
        self.away = set[tuple[str, int]]()
        FIGURES["runs"] += 1

    def teardown(self) -> None:
        try:
            self.settle()
            self.check()
            self.oracle.i10_every_job_has_ended()
            self.drain()
            self.count_ends()
        finally:
            FIGURES["faults"] += len(self.world.faults.hits)
            for _, fault in self.world.faults.hits:
                FIGURES[f"fault {fault.name}"] += 1
            FIGURES[LONG_ENOUGH] += self.pages["step"] > 30
            FIGURES["executions"] += len(self.world.executions)
            self.world.close()

    @invariant()
    def check(self) -> None:
        FIGURES["steps"] += 1
        self.oracle.check(self.world.now)
        self.oracle.revives = self.oracle.expires = False
        self.i11_reads_hide_tombstones()

    # --- writers ----------------------------------------------------------------------------

    @initialize(
        first=st.lists(st.tuples(organizations, conversations, turns), min_size=3, max_size=8)
    )
    def begin(self, first: Any) -> None:
        for organization, conversation, turn in first:
            self.append_to(organization, conversation, turn, None)

    @rule(organization=organizations, conversation=conversations, turn=turns, trouble=troubles)
    def append(self, organization: str, conversation: str, turn: Any, trouble: int | None) -> None:
        self.append_to(organization, conversation, turn, trouble)

    @rule(
        organization=organizations,
        some=st.lists(st.tuples(conversations, turns), min_size=1, max_size=3),
    )
    def append_more(self, organization: str, some: Any) -> None:
        for conversation, turn in some:
            self.append_to(organization, conversation, turn, None)

    def append_to(
        self, organization: str, conversation: str, turn: Any, trouble: int | None
    ) -> None:
        """Overlapping, late, revising, and sent again: the pools are that small."""
        self.world.hurt(trouble)
        messages = [said(conversation, *each) for each in turn]
        body = {"conversation_id": conversation, "messages": [sent(each) for each in messages]}
        reply = self.world.http(organization, "POST", "/chats", body)
        self.world.hurt(None)
        self.accepted(organization, messages, reply if trouble is None else None)
        if trouble is not None and (reply is None or reply.status != 201):
            return  # Whoever sent it gives up; what of it is there, is there.
        if reply is not None:
            assert reply.status == 201, reply.text

    def accepted(self, organization: str, messages: list[Message], reply: Any) -> None:
        account = self.oracle.accounts[organization]
        before = set(account.accepted)
        sent_ = {revision_of(each) for each in messages}
        self.oracle.look(organization)
        fresh = account.held.keys() - before
        assert fresh <= sent_, f"I5: what nobody sent: {fresh - sent_}"
        winners = self.oracle.newest(account)
        for found in fresh:
            place = (found.conversation, found.message)
            assert winners[place] == found, "I1: the latest revision does not count"
        account.accepted |= fresh
        if reply is not None:
            assert reply.json()["inserted_count"] == len(sent_ - before) == len(fresh)
            assert sent_ <= account.accepted

    # --- exports and clears -----------------------------------------------------------------

    @rule(
        organization=organizations,
        range=ranges,
        kind=st.sampled_from(["archive", "clear", "clear", "csv clear", "acknowledged", "since"]),
        wait=st.booleans(),
        trouble=troubles,
    )
    def export(
        self, organization: str, range: Any, kind: str, wait: bool, trouble: int | None
    ) -> None:
        self.export_as(organization, range, kind, wait, trouble)

    def export_as(
        self, organization: str, range: Any, kind: str, wait: bool, trouble: int | None
    ) -> None:
        body: dict[str, Any] = {"format": "archive", **range}
        if kind == "csv clear":
            body |= {"format": "csv"}
        if "clear" in kind or kind == "acknowledged":
            body |= {"clear": True}
        if kind == "acknowledged":
            body |= {"clear_on": "acknowledged"}
        if kind == "since":
            body = {"format": "archive", "since": "last", "name": "stream"}
        claim = f"claim-{next(self.numbers)}"
        self.world.hurt(trouble)
        self.ask(organization, body, claim, wait and "clear" not in body)

    def ask(self, organization: str, body: Any, claim: str, wait: bool) -> None:
        """Repeated under its key until it is answered: one key, one job."""
        headers = {"Idempotency-Key": claim, **({"Prefer": "wait=20"} if wait else {})}
        for attempt in range(8):
            if attempt == 4:
                self.world.hurt(None)
            reply = self.world.http(organization, "POST", "/exports", body, **headers)
            if reply is None or reply.status == 503:
                continue
            if reply.status in (201, 202):
                export_id = reply.json()["export_id"]
                if (organization, export_id) not in self.exports:
                    self.exports.append((organization, export_id))
                assert self.claims.setdefault(claim, export_id) == export_id, "I7"
                if attempt % 2:  # A repeat of what was answered.
                    continue
            else:
                gone = reply.status == 410 and self.has_expired()
                assert gone or reply.status == 409, reply.text
            break
        self.world.hurt(None)

    @rule(
        organization=organizations, range=ranges, csv=st.booleans(), trouble=troubles, whole=wholes
    )
    def clear(
        self, organization: str, range: Any, csv: bool, trouble: int | None, whole: bool
    ) -> None:
        """An export-and-clear and, mostly, all of its execution."""
        known = len(self.exports)
        self.export_as(organization, range, "csv clear" if csv else "clear", False, None)
        running = self.world.running()
        if len(self.exports) > known and running and whole:
            self.reviving(running[-1].content)
            self.world.hurt(trouble)
            self.world.advance(running[-1], 40)
            self.world.hurt(None)
            self.observe()

    @precondition(lambda self: self.cleared())
    @rule(pick=picks, trouble=troubles, whole=wholes)
    def undo_a_clear(self, pick: int, trouble: int | None, whole: bool) -> None:
        """Of an export that has cleared, and, mostly, all of its execution."""
        cleared = self.cleared()
        organization, export_id = cleared[pick % len(cleared)]
        self.oracle.revives = True
        reply = self.world.http(organization, "POST", f"/exports/{export_id}/undo")
        self.allowed(reply, 200, 202, 409, 410)
        running = self.world.running()
        if running and whole:
            self.world.hurt(trouble)
            self.world.advance(running[-1], 40)
            self.world.hurt(None)
            self.observe()

    @precondition(lambda self: self.world.running())
    @rule(pick=picks, count=st.sampled_from([1, 2, 5, 40]), trouble=troubles)
    def run(self, pick: int, count: int, trouble: int | None) -> None:
        """Some steps of some execution; others go on in between."""
        running = self.world.running()
        execution = running[pick % len(running)]
        self.reviving(execution.content)
        self.world.hurt(trouble)
        self.world.advance(execution, count)
        self.world.hurt(None)
        self.observe()

    @precondition(lambda self: self.world.running())
    @rule(pick=picks, told=st.booleans())
    def kill(self, pick: int, told: bool) -> None:
        """An execution is aborted; the rule that tells of it may be lost."""
        running = self.world.running()
        execution = running[pick % len(running)]
        self.reviving(execution.content)
        self.world.finish(execution, "ABORTED")
        if told:
            ids = ("organization", "export_id", "restore_id")
            content = {name: execution.content[name] for name in ids if name in execution.content}
            if "restore_id" in content:
                content.pop("export_id", None)
            self.world.call("ended", {**content, "name": execution.name, "error": "ABORTED"})
        self.observe()

    @precondition(lambda self: self.world.steps)
    @rule(pick=picks, trouble=troubles)
    def zombie(self, pick: int, trouble: int | None) -> None:
        """A step that was called once is called again, whatever has happened since."""
        function, event = self.world.steps[pick % len(self.world.steps)]
        self.reviving(event)
        self.world.hurt(trouble)
        self.world.call(function, event)
        self.world.hurt(None)
        self.observe()

    @precondition(lambda self: self.world.running())
    @rule(pick=picks, operation=st.sampled_from(["update", "update", "put"]))
    def delay(self, pick: int, operation: str) -> None:
        """A write of a step gets no answer, and is applied much later."""
        running = self.world.running()
        execution = running[pick % len(running)]
        self.reviving(execution.content)
        self.world.delay(operation)
        self.world.advance(execution, 3)
        self.world.hurt(None)
        self.observe()

    @precondition(lambda self: self.world.faults.late)
    @rule()
    def release(self) -> None:
        self.oracle.revives = True
        self.world.release()
        self.observe()

    @precondition(lambda self: self.exports)
    @rule(pick=picks, wait=st.booleans(), trouble=troubles)
    def undo(self, pick: int, wait: bool, trouble: int | None) -> None:
        organization, export_id = self.exports[pick % len(self.exports)]
        self.oracle.revives = True
        self.world.hurt(trouble)
        headers = {"Prefer": "wait=1"} if wait else {}
        target = f"/exports/{export_id}/undo"
        reply = self.world.http(organization, "POST", target, None, **headers)
        self.world.hurt(None)
        self.allowed(reply, 200, 202, 409, 410)

    @precondition(lambda self: self.exports)
    @rule(pick=picks, right=st.booleans(), trouble=troubles)
    def acknowledge(self, pick: int, right: bool, trouble: int | None) -> None:
        organization, export_id = self.exports[pick % len(self.exports)]
        job = self.job(organization, export_id)
        root_hash = (job["manifest"] or {}).get("root_hash") if right else "0" * 64
        self.world.hurt(trouble)
        target = f"/exports/{export_id}/acknowledge"
        body = {"root_hash": root_hash or "0" * 64}
        reply = self.world.http(organization, "POST", target, body)
        self.world.hurt(None)
        self.allowed(reply, 202, 409, 410, *(() if right else (400,)))

    @precondition(lambda self: self.exports)
    @rule(pick=picks, trouble=troubles, really=st.sampled_from([True, False, False]))
    def delete(self, pick: int, trouble: int | None, really: bool) -> None:
        if not really:
            return
        organization, export_id = self.exports[pick % len(self.exports)]
        self.world.hurt(trouble)
        reply = self.world.http(organization, "DELETE", f"/exports/{export_id}")
        self.world.hurt(None)
        self.allowed(reply, 200, 409)

    @precondition(lambda self: self.exports)
    @rule(pick=picks, into=st.sampled_from(ORGANIZATIONS), trouble=troubles)
    def restore(self, pick: int, into: str, trouble: int | None) -> None:
        """An archive that somebody has downloaded comes back, here or elsewhere."""
        organization, export_id = self.exports[pick % len(self.exports)]
        job = self.job(organization, export_id)
        if not job["files"] or job["format"] != "archive" or not job["manifest"]:
            return
        file, manifest = (
            self.bytes_of(job["files"][0]["url"]),
            self.bytes_of(job["manifest"]["url"]),
        )
        if file is None or manifest is None:
            return
        begun = self.world.http(into, "POST", "/imports", {"format": "archive"})
        assert begun
        assert begun.status == 201, begun.text
        self.world.hurt(trouble)
        for name, data in (("manifest_url", manifest), ("url", file)):
            key = begun.json()["upload"][name].removeprefix("memory:").partition("?")[0]
            self.world.exports.put(key, data, "application/gzip")
            detail = {"object": {"key": key}}
            self.world.call("import_uploaded", {"detail": detail})
        self.world.hurt(None)

    @rule(organization=organizations, conversation=conversations)
    def hold(self, organization: str, conversation: str) -> None:
        account = self.oracle.accounts[organization]
        reply = self.world.http(organization, "POST", "/holds", {"conversation_id": conversation})
        assert reply
        assert reply.status == 201, reply.text
        account.holds[reply.json()["hold_id"]] = (conversation, self.world.now)

    @precondition(lambda self: any(each.holds for each in self.oracle.accounts.values()))
    @rule(pick=picks)
    def lift(self, pick: int) -> None:
        held = [(name, id_) for name, each in self.oracle.accounts.items() for id_ in each.holds]
        organization, hold_id = held[pick % len(held)]
        reply = self.world.http(organization, "DELETE", f"/holds/{hold_id}")
        assert reply
        assert reply.status == 204
        del self.oracle.accounts[organization].holds[hold_id]

    # --- time -------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 20, 61, 1_000, 86_400, 8 * 86_400]))
    def wait(self, seconds: int) -> None:
        self.world.clock.sleep(seconds)

    @rule(trouble=troubles)
    def sweep(self, trouble: int | None) -> None:
        self.oracle.revives = True
        self.world.hurt(trouble)
        self.world.call("sweep", {})
        self.world.hurt(None)
        self.observe()

    @precondition(lambda self: any(each.tombstones for each in self.oracle.accounts.values()))
    @rule(really=st.sampled_from([True, False, False]), trouble=troubles)
    def expire(self, really: bool, trouble: int | None) -> None:
        """Time goes on until what was cleared is forgotten; its archives stay."""
        if not really:
            return
        self.oracle.expires = True
        self.world.clock.sleep(431 * 86_400)
        for seed in (trouble, None):
            self.world.hurt(seed)
            self.world.call("expire", {})
        self.world.hurt(None)

    def settle(self) -> None:
        """Without more bad luck everything comes to its end."""
        self.world.release()
        self.oracle.revives = True
        for _ in range(6):
            while running := self.world.running():
                for execution in running:
                    self.reviving(execution.content)
                    self.world.advance(execution, 1_000)
            self.world.clock.sleep(2 * 3600)
            self.world.call("sweep", {})
            self.observe()
        self.world.clock.sleep(8 * 86_400)  # What waits for somebody is given up.
        for _ in range(3):
            self.world.call("sweep", {})
            for execution in self.world.running():
                self.world.advance(execution, 1_000)
            self.world.clock.sleep(3600)
        self.observe()

    # --- readers ----------------------------------------------------------------------------

    @rule(organization=organizations, reader=st.integers(0, 1), limit=st.integers(1, 5))
    def follow(self, organization: str, reader: int, limit: int) -> None:
        """I9: each change once, as itself or as the record of its clearing."""
        self.page(organization, reader, limit)

    def page(self, organization: str, reader: int, limit: int) -> bool:
        place = (organization, reader)
        cursor = self.cursors.get(place)
        asked = f"/changes?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        reply = self.world.http(organization, "GET", asked)
        assert reply
        if reply.status == 410 and self.has_expired():
            self.away.add(place)  # Away for too long, and told so.
            return True
        assert reply.status == 200, reply.text
        page, told = reply.json(), self.told.setdefault(place, Counter())
        account = self.oracle.accounts[organization]
        for change in page["changes"]:
            told.update(self.told_by(change))
        twice = {each for each, count in told.items() if count > 1}
        assert not twice - account.expired, "I9: told twice"
        extra = set(told) - account.accepted - account.expired
        assert not extra, f"I9: told and never accepted: {extra}"
        self.cursors[place] = page["cursor"]
        return page["end_of_stream"] and not page["changes"]

    def told_by(self, change: Any) -> list[Revision]:
        conversation = change["conversation_id"]
        if change["type"] == "cleared":
            return [
                Revision(conversation, *map(bytes.fromhex, digests))
                for digests in change["digests"]
            ]
        skipped = ("type", "user_id")
        fields = {name: value for name, value in change.items() if name not in skipped}
        at = datetime.fromisoformat(fields.pop("timestamp"))
        return [revision_of(Message(timestamp=at, user_id=change["user_id"], **fields))]

    def count_ends(self) -> None:
        for organization, account in self.oracle.accounts.items():
            FIGURES["messages accepted"] += len(account.accepted | account.expired)
            FIGURES["messages expired"] += len(account.expired)
            for job in self.oracle.jobs(organization):
                clear = (job.get("clear") or {}).get("status")
                FIGURES[f"exports {job['status']}" + (f", clear {clear}" if clear else "")] += 1
                FIGURES["messages cleared"] += ((job.get("clear") or {}).get("receipt") or {}).get(
                    "cleared", 0
                )

    def drain(self) -> None:
        for organization, reader in itertools.product(ORGANIZATIONS, range(2)):
            while not self.page(organization, reader, 1_000):
                pass
            if (organization, reader) in self.away:
                continue
            missing = self.oracle.accounts[organization].accepted - set(
                self.told[organization, reader]
            )
            assert not missing, f"I9: committed and never told: {missing}"

    def i11_reads_hide_tombstones(self) -> None:
        """One conversation a step, and I6: another organization's is another."""
        self.pages["step"] += 1
        organization = ORGANIZATIONS[self.pages["step"] % 2]
        conversation = CONVERSATIONS[self.pages["step"] % 3]
        target = f"/chats/{conversation.replace('#', '%23').replace(' ', '%20')}?limit=100"
        reply = self.world.http(organization, "GET", target)
        assert reply
        expected = self.oracle.visible(organization, conversation)
        if reply.status == 404:
            assert not expected, f"I11: hidden: {expected}"
            return
        shown = [(each["id"], each["content"]) for each in reply.json()["messages"]]
        assert sorted(shown) == sorted((each.id, each.content) for each in expected), "I11"

    # --- small things -----------------------------------------------------------------------

    def observe(self) -> None:
        """What an import brought is accepted from now on, if it was in an archive."""
        for organization, account in self.oracle.accounts.items():
            self.oracle.look(organization)
            fresh = account.held.keys() - account.accepted
            if fresh:
                known = set[Revision]().union(
                    *(each.accepted | each.expired for each in self.oracle.accounts.values())
                )
                assert fresh <= known, f"I6: from nowhere: {fresh - known}"
                account.accepted |= fresh

    def cleared(self) -> list[tuple[str, str]]:
        """Exports that cleared something, or may have."""
        return [
            (name, export_id)
            for name, account in self.oracle.accounts.items()
            for export_id in account.archived
        ]

    def has_expired(self) -> bool:
        """Whether slots may be gone."""
        return self.world.now > NOW + timedelta(days=400)

    def reviving(self, content: Any) -> None:
        if "restore_id" in content:
            self.oracle.revives = True

    def job(self, organization: str, export_id: str) -> Any:
        reply = self.world.http(organization, "GET", f"/exports/{export_id}")
        assert reply
        assert reply.status == 200, reply.text
        return reply.json()

    def bytes_of(self, url: str | None) -> bytes | None:
        key = (url or "").removeprefix("memory:").partition("?")[0]
        return self.world.exports.objects.get(key) or self.world.archive.objects.get(key)

    def allowed(self, reply: Any, *statuses: int) -> None:
        if reply is not None:
            assert reply.status in {*statuses, 503}, reply.text


def said(conversation: str, number: int, at: datetime, content: int) -> Message:
    return Message(
        id=f"m{number}",
        conversation_id=conversation,
        timestamp=at,
        role="user",
        content=f"content {content}",
    )


def sent(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "content": message.content,
        "timestamp": message.timestamp.isoformat(),
    }
