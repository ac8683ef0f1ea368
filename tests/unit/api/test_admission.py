import pytest

from chatledger.access.admission import PUBLIC, Caller, anonymous_at, secret_of
from chatledger.access.roles import Role
from chatledger.errors import Forbidden, Unauthorized

READER = Caller("org", Role.READER, "key_1", "key_1", 100)
OPERATOR = Caller("org", Role.OPERATOR, "key_2", "key_2", None)


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ({}, None),
        ({"authorization": "Bearer clk_a"}, "clk_a"),
        ({"authorization": "bearer   clk_a "}, "clk_a"),
        ({"x-api-key": "clk_a"}, "clk_a"),
        ({"x-api-key": "clk_a", "authorization": "Bearer clk_a"}, "clk_a"),
    ],
)
def test_a_key_comes_in_either_header(headers: dict[str, str], secret: str | None):
    assert secret_of(headers) == secret


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "clk_a"},
        {"authorization": "Basic clk_a"},
        {"authorization": "Bearer clk_a", "x-api-key": "clk_b"},
        {"authorization": "Bearer clk_a", "x-api-key": ""},
    ],
)
def test_what_is_no_key_is_not_taken_for_none(headers: dict[str, str]):
    with pytest.raises(Unauthorized):
        secret_of(headers)


def test_a_role_includes_the_ones_before():
    OPERATOR.needs(Role.OPERATOR)
    READER.needs(Role.READER)
    with pytest.raises(Forbidden, match="needs the role writer; the key has reader"):
        READER.needs(Role.WRITER)


def test_only_an_operator_acts_elsewhere():
    assert READER.acting_in(None) == READER.acting_in("org") == READER
    assert OPERATOR.acting_in("other").organization == "other"
    with pytest.raises(Forbidden):
        READER.acting_in("other")


def test_the_anonymous_are_told_apart_by_their_address():
    here = anonymous_at("203.0.113.7")
    assert (here.organization, here.role, here.key_id) == (PUBLIC, Role.WRITER, None)
    assert here.requests_per_minute == 10
    assert anonymous_at("203.0.113.8").counted_as != here.counted_as
    same = {anonymous_at(f"2001:db8::{each}").counted_as for each in range(9)}
    assert len(same) == 1, "one line has a whole /64"
    assert anonymous_at("2001:db8:0:1::1").counted_as not in same
    assert anonymous_at("nonsense").counted_as == anonymous_at("").counted_as
