"""What a conversation itself says its people are called, looked for in its texts."""

import re
from collections import Counter
from collections.abc import Iterable

_MIN_PART = 3
_MIN_ID = 5
# Writings that put no space between words: a name there ends without a sign of it.
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_WORDS = re.compile(r"[^\W\d_]+(?:['\u2019\-][^\W\d_]+)*")
# The words in labels, so that no label is ever redacted itself.
_LABELS = frozenset(
    ("email", "phone", "card", "iban", "ip", "secret", "credentials", "name", "user")
)


class KnownPeople:
    """``name``: of the user, if known. ``user_ids``: of all who speak."""

    def __init__(self, name: str | None, user_ids: Iterable[str]) -> None:
        ids = sorted(each for each in user_ids if _is_telling(each))
        self._patterns = [
            (label, re.compile(pattern))
            for label, pattern in (("user", _either(ids)), ("name", _names(name or "")))
            if pattern
        ]

    def redact(self, text: str, counts: Counter[str]) -> str:
        """The text with [NAME] and [USER]; adds how many of each to ``counts``."""
        for label, pattern in self._patterns:
            text, found = pattern.subn(f"[{label.upper()}]", text)
            if found:
                counts[label] += found
        return text


def _names(name: str) -> str:
    """The whole name however it is capitalized; of its parts, those that are written as names.

    A part is often a word too (Mark, Rosa, Will), which begins with a small letter.
    """
    parts = {each for each in _WORDS.findall(name) if _can_stand_alone(each)}
    parts |= {each.upper() for each in parts}
    whole = " ".join(name.split())
    alternatives = [_either(sorted(parts, key=lambda each: (-len(each), each)))]
    if len(whole) >= 2 and whole.lower() not in _LABELS:
        spaced = r"\s+".join(re.escape(each) for each in whole.split())
        alternatives.insert(0, _bounded(f"(?i:{spaced})", whole))
    return "|".join(each for each in alternatives if each)


def _can_stand_alone(part: str) -> bool:
    if part.lower() in _LABELS or (part[0].islower() and part.lower() != part.upper()):
        return False
    return len(part) >= (2 if _UNSPACED.search(part) else _MIN_PART)


def _is_telling(user_id: str) -> bool:
    """``guest`` and ``anna`` are words; ``anna_k`` and ``u-10042`` are somebody."""
    return len(user_id) >= _MIN_ID and not user_id.isalpha() and user_id.lower() not in _LABELS


def _either(words: list[str]) -> str:
    return "|".join(_bounded(re.escape(each), each) for each in words)


def _bounded(pattern: str, word: str) -> str:
    if _UNSPACED.search(word):
        return pattern
    return rf"(?<!\w){pattern}(?!\w)"
