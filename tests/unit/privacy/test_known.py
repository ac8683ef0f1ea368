"""Names and ids of a conversation's people, in its texts."""

import sys
from collections import Counter
from types import FrameType
from unicodedata import normalize

import pytest

from chatledger.privacy.known import KnownPeople


def redacted(text: str, name: str | None = None, *ids: str) -> str:
    return KnownPeople(name, ids).redact(text, Counter())


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Ann", "Anna, Joann, ANNE, Ann's, ann", "Anna, Joann, ANNE, [NAME]'s, [NAME]"),
        ("Ann Lee", "ann  lee and Ann\nLee, Lee", "[NAME] and [NAME], [NAME]"),
        ("J", "J is a letter", "J is a letter"),
        ("J Roe", "j roe, J, Roe", "[NAME], J, [NAME]"),
        ("Straße", "STRASSE, strasse, Straßen", "[NAME], [NAME], Straßen"),
        ("دانيال كريم", "مرحبا دانيال\u200f كريم، كيف", "مرحبا [NAME]، كيف"),
        ("דנה לוי", "\u200fדנה\u200f כאן, דנה לוי", "\u200f[NAME]\u200f כאן, [NAME]"),
        ("राम", "राम और रामायण", "राम और रामायण".replace("राम और", "[NAME] और")),
        ("प्रिया शर्मा", "शर्मा जी, प्रिया", "[NAME] जी, [NAME]"),
        ("\u200fדנה לוי\u200f", "דנה לוי", "[NAME]"),
        ("\u200f \u200f", "a b", "a b"),
        ("김철수", "김철수는 김철수", "[NAME]는 [NAME]"),
        ("王小明", "我是王小明和Anna", "我是[NAME]和Anna"),
        ("Anna K", "我是Anna好", "我是[NAME]好"),
        ("สมชาย", "คุณสมชายครับ", "คุณ[NAME]ครับ"),
        ("()", "f() and ()", "f() and [NAME]"),
        ("Name User", "[NAME] of a User", "[NAME] of a User"),
    ],
)
def test_a_name(name: str, text: str, expected: str):
    assert redacted(text, name) == expected


@pytest.mark.parametrize("name", ["Zoë Müller", "Đặng Thị Hà", "김철수", "が行"])
def test_a_letter_and_its_mark_are_the_letter(name: str):
    for known in ("NFC", "NFD"):
        for written in ("NFC", "NFD"):
            text = f"x {normalize(written, name)} y"
            assert redacted(text, normalize(known, name)) == "x [NAME] y"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("María López", "Maria Lopez, MARIA LOPEZ, maria lopez", "[NAME], [NAME], [NAME]"),
        ("Maria Lopez", "María López, MARÍA, López", "[NAME], [NAME], [NAME]"),
        ("María López", "Ask Maria or LOPEZ, not maria", "Ask [NAME] or [NAME], not maria"),
        ("Jörg Groß", "Jorg, JORG, Gross, GROSS, GROẞ", "[NAME], [NAME], [NAME], [NAME], [NAME]"),
        ("Łukasz Sørensen", "Lukasz SORENSEN", "[NAME]"),
        ("Đặng Thị Hà", "Dang Thi Ha, Dang, DANG", "[NAME], [NAME], [NAME]"),
        ("Ærø Æbel", "ÆRØ, Aero, AERO, Ærø", "[NAME], [NAME], [NAME], [NAME]"),
        ("Işık Yıldız", "IŞIK YILDIZ, isik yildiz, Isik", "[NAME], [NAME], [NAME]"),  # noqa: RUF001
        ("Алёна Королёва", "Алена Королева, АЛЕНА", "[NAME], [NAME]"),
        ("Γιώργος Παπάς", "ΓΙΩΡΓΟΣ ΠΑΠΑΣ, Γιωργος", "[NAME], [NAME]"),
        ("Xa\u0304ra", "Xara", "[NAME]"),
        ("José", "Josefa, Jose\u0301fa", "Josefa, Jose\u0301fa"),
        ("がき", "かき がき", "かき [NAME]"),
        ("राम", "रम राम", "रम [NAME]"),
        ("עַמִית", "עמית עַמִית", "עמית [NAME]"),
    ],
)
def test_accents_that_are_left_out_or_added_hide_no_name(name: str, text: str, expected: str):
    for known in ("NFC", "NFD"):
        assert redacted(text, normalize(known, name)) == expected
        assert redacted(normalize("NFD", text), name) == normalize("NFD", expected)


@pytest.mark.parametrize(
    ("user_id", "text", "expected"),
    [
        ("u-10042", "U-10042 u-10042. u-100423 xu-10042", "U-10042 [USER]. u-100423 xu-10042"),
        ("anna_k", "anna_k2 anna_k", "anna_k2 [USER]"),
        ("guest", "guest", "guest"),
        ("@jo99", "hi @jo99", "hi [USER]"),
        ("a b 1", "a b 1, a  b 1", "[USER], a  b 1"),
        ("-----", "a ----- b", "a [USER] b"),
        ("     ", "a      b", "a      b"),
    ],
)
def test_an_id(user_id: str, text: str, expected: str):
    assert redacted(text, None, user_id) == expected


def test_the_longest_is_taken():
    assert redacted("u-1001-2, u-1001", None, "u-1001", "u-1001-2") == "[USER], [USER]"


def test_all_are_counted():
    counts = Counter[str]()
    KnownPeople("Ada Lovelace", ["u-10042"]).redact("Ada, ada lovelace, u-10042, Adana", counts)
    assert counts == {"name": 2, "user": 1}


def calls(people: KnownPeople, text: str) -> int:
    """How many calls it takes, of Python's own functions too."""
    made = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal made
        made += event.endswith("call")

    sys.setprofile(count)
    try:
        people.redact(text, Counter())
    finally:
        sys.setprofile(None)
    return made


def test_a_thousand_people_cost_what_a_hundred_do_and_a_text_what_it_is_long():
    text = "Hello u-17x, said u-4000x, a text of u and many 200 words more. " * 50
    hundred, thousand = (
        KnownPeople("Ada Lovelace", [f"u-{number}x" for number in range(many)])
        for many in (100, 1_000)
    )
    assert calls(hundred, text) == calls(thousand, text)
    assert calls(thousand, text * 4) <= 4 * calls(thousand, text)


def test_a_text_full_of_accents_costs_what_it_is_long():
    known = KnownPeople("Zoë Müller", ())
    text = "déjà vu à l'été, naïve \u0301\u0301\u0301 Zoe " * 20
    assert calls(known, text * 4) <= 4 * calls(known, text)
