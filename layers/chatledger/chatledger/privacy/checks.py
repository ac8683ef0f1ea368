"""What tells a number of a card, an account or a network from a number of an order."""

import ipaddress
import re
from collections.abc import Iterator

# Lengths by country, of the IBAN registry (ISO 13616).
_LENGTHS = {
    15: "NO", 16: "BE", 18: "DK FI FO GL NL", 19: "MK SI", 20: "AT BA EE KZ LT LU XK",
    21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "PT", 26: "IS TR", 27: "FR GR IT MC MR SM",
    28: "AL AZ CY DO GT HU LB PL SV", 29: "BR PS QA UA", 30: "JO KW MU", 31: "MT SC",
}  # fmt: skip
_LENGTH_OF = {country: length for length, names in _LENGTHS.items() for country in names.split()}
_SPACES = re.compile(r"[\s\-]")
# What cards begin with, as the schemes publish it, by the first four digits; and their lengths.
_SCHEMES = (
    ("4000-4999", (13, 16, 19)),  # Visa
    ("2221-2720 5100-5599", (16,)),  # Mastercard
    ("3400-3499 3700-3799", (15,)),  # American Express
    ("3000-3099 3600-3699 3800-3999", (14,)),  # Diners Club
    ("3528-3589", (16,)),  # JCB
    ("6011-6011 6200-6299 6440-6599", (16, 17, 18, 19)),  # Discover, UnionPay
    ("2200-2204", (16, 17, 18, 19)),  # Mir
    ("5018-5018 5020-5020 5038-5038 5893-5893 6304-6304 6759-6759 6761-6763", range(13, 20)),
)
_CARD_LENGTHS = {
    prefix: lengths
    for ranges, lengths in _SCHEMES
    for first, _, last in (each.partition("-") for each in ranges.split())
    for prefix in range(int(first), int(last) + 1)
}
_MIN_CARD, _MAX_CARD = 13, 19
_MIN_GROUP = 4
_DIGIT_RUN = re.compile(r"\d(?<![\w.].)[\d \-\u00a0\u202f]{11,}\d(?!\w)")
_GROUP = re.compile(r"\d+")


def card_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where cards stand, also beside other digits: 16 of them, a space and a check code of 3."""
    end = 0
    for run in _DIGIT_RUN.finditer(text):
        groups = [each.span() for each in _GROUP.finditer(text, *run.span())]
        for place, (start, stop) in enumerate(groups):
            # A card's first group has four digits or more, however it is grouped, if it is at all.
            begins = start >= end and (place == 0 or stop - start >= _MIN_GROUP)
            if begins and (found := _card_end(text, groups, place)):
                yield start, found
                end = found


def _card_end(text: str, groups: list[tuple[int, int]], place: int) -> int | None:
    """The end of the longest card of whole groups from this one on."""
    digits, last, ends = "", groups[place][0], list[int]()
    for start, stop in groups[place : place + _MAX_CARD]:
        digits += text[start:stop]
        if start - last > 1 or len(digits) > _MAX_CARD:
            break
        last = stop
        if len(digits) >= _MIN_CARD and is_card(digits):
            ends.append(stop)
    return ends[-1] if ends else None


def is_card(digits: str) -> bool:
    """Of four digits or more: an issuer's range and length, and Luhn's check (ISO/IEC 7812)."""
    if len(digits) not in _CARD_LENGTHS.get(int(digits[:4]), ()) or len(set(digits)) == 1:
        return False
    numbers = [int(each) for each in digits]
    doubled = [sum(divmod(2 * each, 10)) for each in numbers[-2::-2]]
    return (sum(numbers[-1::-2]) + sum(doubled)) % 10 == 0


def iban_length(text: str) -> int:
    """How much of the text, spaces included, is an IBAN by its check digits; 0 if none is."""
    wanted = _LENGTH_OF.get(text[:2], 0)
    seen = 0
    for place, character in enumerate(text, 1):
        seen += not _SPACES.match(character)
        if wanted and seen == wanted:
            plain = _SPACES.sub("", text[:place])
            number = "".join(str(int(each, 36)) for each in plain[4:] + plain[:4])
            return place if int(number) % 97 == 1 else 0
    return 0


def is_ip_address(text: str) -> bool:
    """A v6 address has a digit: ``a::b`` is rather a name in a program."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.version == 4 or (any(each.isdigit() for each in text) and len(text) > 3)


def is_phone(text: str, before: str) -> bool:
    """By its digits and how they are grouped, or by a word for telephone just ``before`` it."""
    digits = sum(map(str.isdecimal, text))
    if text.startswith(("+", "00")):
        return 8 <= digits <= 17
    if digits < 7:
        return False
    text = _FIXED_SPACE.sub(" ", text)
    if _NATIONAL.fullmatch(text) and not _DATE.fullmatch(text):
        return True
    # Where no word of these begins, as in a log's times, the pattern is not asked.
    has_cue = digits <= 15 and any(map(before.lower().__contains__, _CUES))
    return has_cue and bool(_CUE.search(before))


_CUES = (
    *("phone", "tel", "tél", "cel", "handy", "mobil", "movil", "móvil", "komórk", "whatsapp"),
    *("call me", "тел", "هاتف", "جوال", "फ़ोन", "फोन", "मोबाइल", "电话", "手机", "電話", "携帯"),
)
_CUE = re.compile(
    r"(?:phone|tel|cell|mobile?|mobil\w{0,3}|handy|telefon\w{0,4}|tél|t[eé]l[eé]fono?|m[oó]vil|"
    r"celular|cellulare|telem[oó]vel|komórk\w{1,2}|whatsapp|call me (?:at|on)|тел|телефон\w{0,3}|"
    r"هاتف|جوال|फ़ोन|फोन|मोबाइल|电话|手机|電話|携帯)[\s.:\uff1a#\w]{0,12}$",
    re.IGNORECASE,
)
_NATIONAL = re.compile(
    r"\(?[2-9]\d{2}\)?[ .\-]\d{3}[ .\-]\d{4}"  # North America
    r"|\(?0\d{1,5}\)?(?:[ ./\-]{1,3}\d{2,8}){1,5}"  # trunk prefix 0, in groups
)
_FIXED_SPACE = re.compile("[\u00a0\u202f]")  # as French texts have them in numbers
_DATE = re.compile(r"\d{1,2}[./\-]\d{1,2}[./\-]\d{2,4}")
