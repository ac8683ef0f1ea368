"""What tells a number of a card, an account or a network from a number of an order."""

import ipaddress
import re

# Lengths by country, of the IBAN registry (ISO 13616).
_LENGTHS = {
    15: "NO", 16: "BE", 18: "DK FI FO GL NL", 19: "MK SI", 20: "AT BA EE KZ LT LU XK",
    21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "PT", 26: "IS TR", 27: "FR GR IT MC MR SM",
    28: "AL AZ CY DO GT HU LB PL SV", 29: "BR PS QA UA", 30: "JO KW MU", 31: "MT SC",
}  # fmt: skip
_LENGTH_OF = {country: length for length, names in _LENGTHS.items() for country in names.split()}
_SPACES = re.compile(r"[\s\-]")


def is_card(text: str) -> bool:
    """13 to 19 digits of a known range, and Luhn's check digit (ISO/IEC 7812)."""
    digits = [int(each) for each in text if each.isdecimal()]
    if not 13 <= len(digits) <= 19 or digits[0] not in (2, 3, 4, 5, 6) or len(set(digits)) == 1:
        return False
    doubled = [sum(divmod(2 * each, 10)) for each in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


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
    digits = sum(each.isdecimal() for each in text)
    if text.startswith(("+", "00")):
        return 8 <= digits <= 17
    if _CUE.search(before):
        return 7 <= digits <= 15
    return bool(_NATIONAL.fullmatch(text)) and not _DATE.fullmatch(text)


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
_DATE = re.compile(r"\d{1,2}[./\-]\d{1,2}[./\-]\d{2,4}")
