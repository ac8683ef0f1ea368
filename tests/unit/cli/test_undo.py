"""`chatledger undo`: asked once, followed to its end, and said how it went."""

import httpx

from tests.unit.cli.service import Json, Service, chatledger, error

PATH = "POST /exports/export-1/undo"
RECEIPT = {"exported": 3, "cleared": 2, "retained_held": 1}


def state(status: str) -> Json:
    return {"status": "succeeded", "clear": {"status": status} | RECEIPT}


def test_an_undo_is_followed_to_its_end():
    service = Service(states=[state("undoing"), state("undoing"), state("undone")])
    ran = chatledger(service, "undo", "export-1", "--organization", "other")
    assert ran.status == 0, ran.err
    assert ran.out.splitlines() == [
        "✓ Undo of export export-1 began",
        "✓ Undone 0.7 s",
        "",
        "  Export  export-1",
        "  Back    2 messages",
        "",
        "• What was written or put back since the clear stays as it is.",
    ]
    (post,) = service.sent(PATH)
    assert post.headers["prefer"] == "wait=5"
    assert {each.url.params["organization_id"] for each in service.requests} == {"other"}


def test_an_undo_that_is_done_at_once_needs_no_look():
    service = Service(states=[state("undone")])
    assert chatledger(service, "undo", "export-1").status == 0
    assert len(service.requests) == 1


def test_a_lost_reply_is_asked_for_again_under_the_same_key():
    service = Service(
        states=[state("undone")],
        faults={PATH: [error(503, "storage_error"), httpx.ReadError("lost")]},
    )
    assert chatledger(service, "undo", "export-1").status == 0
    assert len({each.headers["idempotency-key"] for each in service.sent(PATH)}) == 1


def test_an_undo_that_stopped_half_way_says_how_to_go_on():
    service = Service(states=[state("undoing"), state("incomplete")])
    ran = chatledger(service, "undo", "export-1", "--organization", "other")
    assert ran.status == 1
    assert ran.err.endswith("To go on: chatledger undo export-1 --organization other\n")
    assert "Undone" not in ran.out


def test_what_cannot_be_undone_is_said_in_the_services_words():
    service = Service(faults={PATH: [error(409, "conflict", "Nothing to undo.")]})
    ran = chatledger(service, "undo", "export-1")
    assert (ran.status, ran.out, ran.err) == (1, "", "✗ Nothing to undo.\n")


def test_an_interrupted_undo_goes_on_there():
    def service(_request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    ran = chatledger(service, "undo", "export-1")
    assert ran.status == 130
    assert "goes on at the service" in ran.err


def test_a_terminal_sees_that_it_is_under_way():
    service = Service(states=[state("undoing"), state("undoing"), state("undone")])
    ran = chatledger(service, "undo", "export-1", terminal=True)
    assert "Undoing" in ran.out
    assert "2 messages" in ran.out


def test_an_id_stays_one_part_of_the_path():
    service = Service()
    assert chatledger(service, "undo", "a/b?c é").status == 1
    assert service.requests[0].url.raw_path == b"/exports/a%2Fb%3Fc%20%C3%A9/undo"
