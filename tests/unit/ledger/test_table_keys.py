"""Keys: fixed for the life of a table, in one order for entries and heads, and reversible."""

import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from chatledger.identifiers import MAX_ID_BYTES, check_id
from chatledger.ledger import keys
from chatledger.ledger.keys import EntryPlace

# What an id may hold, with much of what is near the separator in it.
CHARACTERS = st.one_of(
    st.sampled_from(" !\"#$%&'()*+,-./0aZ~\u00a0é\U0001f600\U0010ffff"),
    st.characters(exclude_categories=["Cc", "Cs"]),
)
IDS = st.text(CHARACTERS, min_size=1, max_size=12)
QUARTERS = st.sampled_from(["0000", "1015", "2345"])
SLOTS = st.integers(1, 10**11 - 1)


@pytest.mark.parametrize(
    ("conversation_id", "of_16", "of_3"),
    [
        ("conv-1", 2, 1),
        ("conv_01JD6ZK3M5N7P9Q1R3S5T7V9WX", 0, 1),
        ("a#b/c", 0, 1),
        ("\U0001f600", 7, 2),
        ("!", 4, 0),
        (" ", 15, 1),
        ("0", 8, 0),
    ],
)
def test_a_conversation_lies_in_its_shard_for_good(
    conversation_id: str, of_16: int, of_3: int
) -> None:
    """Another result, and what tables hold would be looked for elsewhere."""
    assert keys.shard_of(conversation_id, 16) == of_16
    assert keys.shard_of(conversation_id, 3) == of_3


def test_conversations_are_spread_over_the_shards() -> None:
    counts = [0] * 16
    for number in range(16_000):
        counts[keys.shard_of(f"conversation {number}", 16)] += 1
    assert min(counts) > 850
    assert max(counts) < 1_150


def test_the_keys_of_each_kind() -> None:
    """Also fixed for good: what a table holds is found under these."""
    assert keys.cell("acme", "2026-11-21", 3) == "D#acme#2026-11-21#03"
    assert keys.entry("conv", "1015", 42) == "conv#1015#00000000042"
    assert keys.entry("conv", "1015", 42, 2) == "conv#1015#00000000042#02"
    assert keys.head("acme", 3, "a#b c") == keys.Key("C#acme#03", "a%23b%20c")
    assert keys.slot("acme", 15, 42) == keys.Key("S#acme#15", "00000000042")
    assert keys.link("acme", "a%b", "c!") == keys.Key("U#acme#a%25b", "c%21")
    assert keys.day("ac#me", "2026-11-21") == keys.Key("T#ac%23me", "2026-11-21")


@given(IDS)
@example(" !\"#$%&'")
def test_an_escaped_id_comes_back(text: str) -> None:
    escaped = keys.escape(text)
    assert keys.unescape(escaped) == text
    assert "#" not in escaped
    assert all(character > "#" for character in escaped)


@pytest.mark.parametrize("text", ["%23", "%", "%%", "%2", "%2523", "100%", "#", "%zz", "%C3%A9"])
def test_what_looks_escaped_comes_back_too(text: str) -> None:
    assert keys.unescape(keys.escape(text)) == text


@given(IDS, IDS)
def test_two_ids_never_share_a_key(one: str, other: str) -> None:
    assert (keys.escape(one) == keys.escape(other)) == (one == other)


@given(IDS, QUARTERS, SLOTS, st.integers(1, 99))
def test_an_entry_key_says_what_it_is(
    conversation_id: str, quarter: str, slot: int, piece: int
) -> None:
    key = keys.entry(conversation_id, quarter, slot, piece)
    assert keys.entry_place(key) == EntryPlace(conversation_id, quarter, slot, piece)


@given(st.lists(st.tuples(IDS, QUARTERS, SLOTS, st.integers(1, 3)), max_size=30))
def test_entries_lie_in_the_order_of_their_heads(places: list[tuple[str, str, int, int]]) -> None:
    """Grouped by conversation, the conversations ordered as the heads are, as bytes and as text."""
    entries = sorted({keys.entry(*place) for place in places}, key=str.encode)
    assert entries == sorted(entries)
    conversations = [keys.entry_place(key).conversation_id for key in entries]
    grouped = [
        each
        for place, each in enumerate(conversations)
        if not place or conversations[place - 1] != each
    ]
    heads = sorted({keys.head("o", 0, place[0]).sk for place in places}, key=str.encode)
    assert grouped == [keys.unescape(head) for head in heads]


@given(IDS, st.lists(st.tuples(QUARTERS, SLOTS, st.integers(1, 3)), max_size=20))
def test_the_entries_of_a_conversation_lie_in_order_of_quarter_slot_and_piece(
    conversation_id: str, places: list[tuple[str, int, int]]
) -> None:
    found = sorted(keys.entry(conversation_id, *place) for place in set(places))
    assert [keys.entry_place(key)[1:] for key in found] == sorted(set(places))


@given(IDS, IDS, QUARTERS, QUARTERS, QUARTERS, SLOTS)
def test_a_look_up_finds_the_conversations_entries_and_no_others(
    one: str, other: str, first: str, last: str, quarter: str, slot: int
) -> None:
    assume(first <= last)
    between = keys.quarters(one, first, last)
    for piece in (1, 2):
        own = keys.entry(one, quarter, slot, piece)
        assert (between.first <= own <= between.last) == (first <= quarter <= last)
        if other != one:
            others = keys.entry(other, quarter, slot, piece)
            assert not between.first <= others <= between.last


@given(IDS, IDS, IDS, IDS)
def test_no_partition_is_shared_by_two_organizations_or_users(
    one: str, other: str, user: str, stranger: str
) -> None:
    assume((one, user) != (other, stranger))
    assert keys.links(one, user) != keys.links(other, stranger)
    if one != other:
        assert keys.cell(one, "2026-11-21", 1) != keys.cell(other, "2026-11-21", 1)
        assert keys.heads(one, 1) != keys.heads(other, 1)
        assert keys.slots(one, 1) != keys.slots(other, 1)
        assert keys.days(one) != keys.days(other)
        assert keys.key_of(one, "k") != keys.key_of(other, "k")


def test_the_longest_ids_make_keys_that_dynamodb_takes() -> None:
    longest = "#" * MAX_ID_BYTES
    sort_keys = [
        keys.entry(longest, "2345", 10**11 - 1, 99),
        keys.head(longest, 15, longest).sk,
        keys.quarters(longest).last,
        keys.claim(longest, "POST /chats", "#" * 255).sk,
    ]
    assert max(len(key.encode()) for key in sort_keys) <= 1024
    assert len(keys.links(longest, longest).encode()) <= 2048


# --- ids --------------------------------------------------------------------------------


@given(st.text(CHARACTERS, min_size=1, max_size=60))
def test_what_callers_may_name_things(text: str) -> None:
    assume(len(text.encode()) <= MAX_ID_BYTES)
    assert check_id("conversation_id", text) == text


@pytest.mark.parametrize(
    "text",
    ["", "x" * 257, "é" * 129, "a\x00b", "\n", "a\tb", "\x7f", "\x85", "\ud800", "a\udfffb"],
    ids=ascii,
)
def test_what_is_no_id(text: str) -> None:
    with pytest.raises(ValueError, match="conversation_id"):
        check_id("conversation_id", text)


@given(st.characters(categories=["Cc"]))
def test_no_control_character_is_part_of_an_id(character: str) -> None:
    assert unicodedata.category(character) == "Cc"
    with pytest.raises(ValueError, match="control"):
        check_id("user_id", f"a{character}")
