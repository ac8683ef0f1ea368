"""Secrets by what they are called: what stands after ``password:``, ``?token=`` or ``Bearer``.

Looked for at each ``=`` and ``:`` of a text that has such a name at all, back from it for the name
and on from it for the value, a bounded number of steps each way.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# What each name has in it, in small letters; the others are asked where a text is not all ASCII. A
# signed link that has a credential has a signature too.
_SIGNS = ("pass", "pwd", "secret", "token", "key", "auth", "sig", "senha", "wachtwoord")
_NAME_SIGNS = (*_SIGNS, "parola", "contrase", "credential")
_OTHER_SIGNS = (
    *("parola", "contrase", "hasło", "şifre", "парол", "密码", "密碼", "パスワード", "비밀번호"),
    *("पासवर्ड", "كلمة المرور", "كلمة السر"),
)
_PASSWORDS = (
    r"pass(?:word|wd|wort|phrase)|(?<![^\W_])pwd|contrase(?:ñ|n\u0303|n)a|mot de passe|senha"
    r"|wachtwoord|parola|hasło|şifre|парол[ьяию]|密码|密碼|パスワード|비밀번호|पासवर्ड"
    r"|كلمة (?:المرور|السر)|(?:client|app|shared|user)[_\- ]?secret"
)
_OTHERS = (
    r"secret|(?:secret|private|access|api)[_\- ]?key|token|signature|(?<![^\W_])(?:sig|auth)"
    r"|oauth|authorization|x-(?:amz|goog)-credential"
)
_NAME = re.compile(
    rf"(?:(?P<password>{_PASSWORDS})|(?:{_OTHERS}))"
    r"(?P<after>\\?[\"'`]?[*_]{0,2}[ \t\u00a0\u202f]{0,2})$",
    re.IGNORECASE,
)
_NAME_REACH = 40
_SEPARATOR = re.compile(r":?=>?(?!=)|[:\uff1a](?!//)")
_BEFORE_VALUE = re.compile(
    r"(?P<space>[*_]{0,2}[ \t\u00a0\u202f]{0,3})(?P<quote>\\?[\"'`“„«]?)"
    r"(?P<scheme>(?:(?:bearer|basic|token)[ \t]{1,3})?)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[^\"'`”“»\\\n]{1,4096}")
_QUOTED_BY = {each: re.compile(rf"(?:[^{each}\\\n]|\\[^\n]){{1,4096}}") for each in "\"'`"}
# In an address, a line of settings, a call; and in a sentence.
_SET = re.compile(r"[^\s\"'`<>&#;,)\]}，。、；）」』]{1,4096}")  # noqa: RUF001
_SAID = re.compile(r"[!#-;=?-_a-~\u00a1-\u00aa\u00ac-\u00ba\u00bc-\u052f]{1,512}")
_SAID_BESIDE = ".,;:!?)]}*_'|\\"
_TOKEN = re.compile(r"[\w\-.~+/=%|:]+")
_BEARER = re.compile(r"[Bb](?<![^\W_].)(?i:earer)[ \t]{1,3}([\w\-.~+/=]{16,4096})")
_DIGIT = re.compile(r"\d")
_TELLING = re.compile(r"[\d!@#$%^&*+=?_~|]")
_PLAIN_WORD = re.compile(r"[a-z'’\-.]+")  # noqa: RUF001
_VARIABLE = re.compile(r"[a-z_]+(?:\.[a-z_]+)+")
# Of forms, manuals and programs: nobody's secret, or the name of a variable.
_NOBODYS = re.compile(
    r"(?-i:\[[A-Z]+(?:\].*)?)|[*x.•…\-]{3,}|[<{].*|\$[{(].*|(?-i:\$[A-Z_]+|%[A-Z_]+%)|.*://.*|(?-i:~?(?:/[a-z0-9._\-]*)+)"
    r"|\d{4}-\d\d-\d\d.*|your\b.*|your_.*|[a-z_][\w.]*[(\[].*"
    r"|(?:self|this|os|process|config|settings|env|args|request|req|form|user|data|event|body)\..*"
    r"|(?:[a-z]+_)?(?:password|passwd|pwd|secret|token|api_?key|auth|signature)"
    r"|null|none|nil|true|false|undefined|string|text|required|optional|redacted|hidden",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Value:
    text: str
    is_password: bool
    is_quoted: bool
    is_set: bool  # a ``=`` right beside it and its name
    has_scheme: bool

    def is_secret(self) -> bool:
        if _NOBODYS.fullmatch(self.text):
            return False
        if self.is_password:
            return self.is_set or self.is_quoted or _is_like_a_password(self.text)
        return self._is_like_a_token()

    def _is_like_a_token(self) -> bool:
        has_digit = bool(_DIGIT.search(self.text))
        if self.is_set:
            return has_digit or (len(self.text) >= 8 and not _VARIABLE.fullmatch(self.text))
        if not _TOKEN.fullmatch(self.text) or _PLAIN_WORD.fullmatch(self.text):
            return False
        if self.has_scheme:
            return len(self.text) >= 8
        return has_digit and len(self.text) >= (8 if self.is_quoted else 16)


def may_name_a_secret(text: str) -> bool:
    """Asked of every text: a few searches for a name, where there is anything to stand after."""
    small = text.lower()
    has_separator = "=" in text or ":" in text or "\uff1a" in text
    return (has_separator and _has_a_sign(small, _SIGNS)) or "earer" in small


def _has_a_sign(small: str, signs: tuple[str, ...]) -> bool:
    return any(map(small.__contains__, signs)) or (
        not small.isascii() and any(map(small.__contains__, _OTHER_SIGNS))
    )


def named_secrets(text: str) -> Iterator[tuple[int, int]]:
    """Where the values stand, without names and quotes; none over another."""
    if not may_name_a_secret(text):
        return
    end = 0
    for start, stop in sorted({*_bearers(text), *_assigned(text)}):
        if start >= end:
            yield start, stop
            end = stop


def _bearers(text: str) -> Iterator[tuple[int, int]]:
    for found in _BEARER.finditer(text):
        value = found[1].rstrip(_SAID_BESIDE)
        if len(value) >= 16 and not _PLAIN_WORD.fullmatch(value) and not _NOBODYS.fullmatch(value):
            yield found.start(1), found.start(1) + len(value)


def _assigned(text: str) -> Iterator[tuple[int, int]]:
    end = 0
    for separator in _SEPARATOR.finditer(text):
        at = separator.start()
        before = text[max(0, at - _NAME_REACH) : at]
        if at < end or not _has_a_sign(before.lower(), _NAME_SIGNS):
            continue
        if (name := _NAME.search(before)) and (found := _value(text, name, separator)):
            yield found
            end = found[1]


def _value(text: str, name: re.Match[str], separator: re.Match[str]) -> tuple[int, int] | None:
    before = _BEFORE_VALUE.match(text, separator.end())
    if before is None:
        return None
    quote = before["quote"]
    if quote and not before["space"] and _is_open(name, quote):
        return None
    is_set = separator[0] == "=" and not name["after"] and not before["space"]
    pattern = _QUOTED_BY.get(quote, _QUOTED) if quote else _SET if is_set else _SAID
    found = pattern.match(text, before.end())
    if found is None:
        return None
    value = found[0] if quote else found[0].rstrip(_SAID_BESIDE)
    told = _Value(value, bool(name["password"]), bool(quote), is_set, bool(before["scheme"]))
    return (found.start(), found.start() + len(value)) if value and told.is_secret() else None


def _is_open(name: re.Match[str], quote: str) -> bool:
    """Whether the name itself is quoted with its sign, as in a manual: 'password:'."""
    beside = name.string[: name.start()].split(" ")[-1]
    return not name["after"] and beside.count(quote) % 2 == 1


def _is_like_a_password(value: str) -> bool:
    """In a sentence, where a word may follow as well."""
    if len(value) < 4 or _PLAIN_WORD.fullmatch(value):
        return False
    return bool(_TELLING.search(value)) or (len(value) >= 8 and value.isascii())
