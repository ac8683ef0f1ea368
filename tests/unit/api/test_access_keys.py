from datetime import UTC, datetime

import pytest

from chatledger.access.keys import (
    bootstrap_key,
    find_key,
    list_keys,
    new_key,
    new_secret,
    revoke_key,
    save_key,
)
from chatledger.access.roles import Role
from chatledger.audit.record import Actor
from chatledger.aws.table import Between, ConditionFailed
from chatledger.errors import Forbidden, NotFound
from tests.fakes.memory_table import MemoryTable

NOW = datetime(2026, 11, 21, tzinfo=UTC)
OWNER, OPERATOR = Actor("key_1", "owner"), Actor("key_2", "operator")


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


def make(
    table: MemoryTable, role: Role = Role.READER, organization: str = "org"
) -> tuple[str, str]:
    secret = new_secret()
    key = new_key(organization, role, "name", 7, secret, NOW)
    save_key(table, key, OWNER, NOW)
    return secret, key.key_id


def test_a_secret_is_256_random_bits():
    secret = new_secret()
    assert secret.startswith("clk_")
    assert len(secret) == len("clk_") + 43
    assert new_secret() != secret


def test_a_key_is_found_by_its_secret_with_one_read(table: MemoryTable):
    secret, key_id = make(table)
    table.journal.clear()
    found = find_key(table, secret)
    assert found
    assert found.key_id == key_id
    assert (found.organization, found.role, found.requests_per_minute) == ("org", Role.READER, 7)
    assert len(table.journal) == 1


def test_the_secret_itself_is_nowhere(table: MemoryTable):
    secret, key_id = make(table)
    found = find_key(table, secret)
    assert found
    for pk in (f"K#h#{found.sha256}", "K#o#org"):
        (item,) = table.page(pk, between=Between("", "~")).items
        assert secret not in repr(item)
        assert item["key_id"] == key_id


@pytest.mark.parametrize("secret", ["", "clk_", "clk_" + "x" * 43, "x" * 300, "clk_" + "é" * 43])
def test_no_other_secret_finds_it(table: MemoryTable, secret: str):
    make(table)
    assert find_key(table, secret) is None


def test_a_revoked_key_is_gone_at_once(table: MemoryTable):
    secret, key_id = make(table)
    other, _ = make(table)
    revoke_key(table, "org", key_id, OWNER, NOW)
    assert find_key(table, secret) is None
    assert find_key(table, other)
    assert [key.key_id for key in list_keys(table, "org")] != [key_id]
    with pytest.raises(NotFound):
        revoke_key(table, "org", key_id, OWNER, NOW)


def test_another_organizations_key_cannot_be_seen_or_revoked(table: MemoryTable):
    secret, key_id = make(table, organization="other")
    assert list_keys(table, "org") == []
    with pytest.raises(NotFound):
        revoke_key(table, "org", key_id, OPERATOR, NOW)
    assert find_key(table, secret)


def test_an_owner_does_not_revoke_an_operator(table: MemoryTable):
    secret, key_id = make(table, Role.OPERATOR)
    with pytest.raises(Forbidden):
        revoke_key(table, "org", key_id, OWNER, NOW)
    assert find_key(table, secret)
    revoke_key(table, "org", key_id, OPERATOR, NOW)
    assert find_key(table, secret) is None


def test_two_keys_of_one_secret_cannot_be(table: MemoryTable):
    secret, _ = make(table)
    with pytest.raises(ConditionFailed):
        save_key(table, new_key("org2", Role.READER, "name", None, secret, NOW), OWNER, NOW)
    assert list_keys(table, "org2") == []


def test_bootstrap_makes_a_key_once(table: MemoryTable):
    secret = "clk_brought_along_by_the_deployer"
    first = bootstrap_key(table, "default", "first", secret, NOW)
    assert bootstrap_key(table, "default", "again", secret, NOW) == first
    assert list_keys(table, "default") == [first]
    assert (first.role, first.requests_per_minute) == (Role.OPERATOR, 0)


@pytest.mark.parametrize("role", Role)
def test_who_may_handle_whose_key(role: Role):
    assert Role.OPERATOR.may_handle_key_of(role)
    assert Role.OWNER.may_handle_key_of(role) == (role <= Role.OWNER)
    assert not Role.ADMIN.may_handle_key_of(role)
