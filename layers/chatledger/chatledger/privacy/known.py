"""What a conversation itself says its people are called, looked for in its texts.

A text is taken apart into words once, and each word is looked up: a thousand people cost what one
costs. Words are compared without accents, for many people leave them out.
"""

import re
from collections import Counter
from collections.abc import Iterable

from chatledger.privacy.accents import bare, composed

_MIN_PART = 3
_MIN_UNSPACED_PART = 2
_MIN_ID = 5
# Above so many, a text is taken apart without asking first whether it holds any of them.
_MAX_ASKED = 16

# Writings that put no space between words: each character is a word of its own here.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
    "\uff66-\uff9f\U00020000-\U0003ffff"
)
# Marks are no letters to a pattern, but belong to the word of the letter before them.
_MARKS = (
    "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u0900-\u0963\u0966-\u0dff\u200c\u200d"
)
_WORD = rf"[^\W{_UNSPACED}]+(?:[{_MARKS}]+[^\W{_UNSPACED}]*)*"
# Right-to-left texts have marks of direction where others have spaces, or beside them.
_SPACE = "[\\s\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]+"
_SYLLABLE = "[\u1100-\u115f][\u1160-\u11a7][\u11a8-\u11ff]?"  # Korean, decomposed
_TOKENS = re.compile(rf"{_SYLLABLE}|{_WORD}|{_SPACE}|[{_UNSPACED}][\u3099\u309a]?|.", re.DOTALL)
_IS_WORD = re.compile(_WORD)
_IS_SPACE = re.compile(_SPACE)
_LETTERS = rf"[^\W\d_](?:[^\W\d_]|[{_MARKS}])*"
_PARTS = re.compile(rf"{_LETTERS}(?:['\u2019\-]{_LETTERS})*")
_HAS_UNSPACED = re.compile(f"[{_UNSPACED}]")
# The words in labels, so that no label is ever redacted itself.
_LABELS = frozenset(
    ("email", "phone", "card", "iban", "ip", "secret", "credentials", "name", "user", "address")
)


class KnownPeople:
    """``name``: of the user, if known. ``user_ids``: of all who speak."""

    def __init__(self, name: str | None, user_ids: Iterable[str]) -> None:
        self._labels: dict[str, str] = {}  # of what is found in its capitals
        self._name: list[str] = []  # its words, found in any case
        self._lengths: dict[str, set[int]] = {}  # first word → of how many words
        self._asked: set[str] = set()  # of each its longest word
        for part in _parts(name or ""):
            for written in {part, part.upper(), bare(part).upper()}:
                self._know(written, "name")
        for each in filter(_is_telling, user_ids):
            self._know(each, "user")
        whole = _IS_SPACE.sub(" ", name or "").strip()
        if len(whole) >= 2 and whole.lower() not in _LABELS:
            self._name = self._words_of(whole)

    def redact(self, text: str, counts: Counter[str]) -> str:
        """The text with [NAME] and [USER]; adds how many of each to ``counts``.

        Of several that begin at the same word, the longest is taken.
        """
        if not self._may_be_in(text):
            return text
        tokens = _TOKENS.findall(text)
        words = [_folded(each) for each in tokens]
        pieces, place = list[str](), 0
        while place < len(tokens):
            found = self._at(tokens, words, place) if words[place] in self._lengths else None
            length, label = found or (1, "")
            pieces.append(f"[{label.upper()}]" if label else tokens[place])
            if label:
                counts[label] += 1
            place += length
        return "".join(pieces)

    def _know(self, written: str, label: str) -> None:
        self._labels[bare(written)] = label
        self._words_of(written)

    def _words_of(self, written: str) -> list[str]:
        words = [_folded(each) for each in _TOKENS.findall(written)]
        self._lengths.setdefault(words[0], set()).add(len(words))
        self._asked.add(max(words, key=len))
        return words

    def _may_be_in(self, text: str) -> bool:
        if not self._asked or len(self._asked) > _MAX_ASKED:
            return bool(self._asked)
        return any(map(bare(text).casefold().__contains__, self._asked))

    def _at(self, tokens: list[str], words: list[str], place: int) -> tuple[int, str] | None:
        """In how many words somebody is named here, and as what."""
        for length in sorted(self._lengths[words[place]], reverse=True):
            end = place + length
            label = self._labels.get(bare("".join(tokens[place:end])))
            if not label and words[place:end] == self._name:
                label = "name"
            if label and _is_apart(tokens, place, end):
                return length, label
        return None


def _parts(name: str) -> Iterable[str]:
    """Those of its parts that are looked for alone, where they are written as names.

    A part is often a word too (Mark, Rosa, Will), which begins with a small letter.
    """
    return filter(_can_stand_alone, _PARTS.findall(composed(name)))


def _can_stand_alone(part: str) -> bool:
    if part.lower() in _LABELS or (part[0].islower() and part.lower() != part.upper()):
        return False
    return len(part) >= (_MIN_UNSPACED_PART if _HAS_UNSPACED.search(part) else _MIN_PART)


def _is_telling(user_id: str) -> bool:
    """``guest`` and ``anna`` are words; ``anna_k`` and ``u-10042`` are somebody."""
    is_word = user_id.isalpha() or user_id.lower() in _LABELS
    return len(user_id) >= _MIN_ID and not is_word and not _IS_SPACE.fullmatch(user_id)


def _is_apart(tokens: list[str], start: int, end: int) -> bool:
    """What begins or ends with another sign than a letter has no word right beside it."""
    before, after = tokens[max(0, start - 1) : start], tokens[end : end + 1]
    return not (
        (before and _IS_WORD.match(before[0]) and not _HAS_UNSPACED.match(tokens[start]))
        or (after and _IS_WORD.match(after[0]) and not _HAS_UNSPACED.match(tokens[end - 1]))
    )


def _folded(token: str) -> str:
    if token.isascii():
        return " " if token.isspace() else token.casefold()
    return " " if _IS_SPACE.match(token) else bare(token).casefold()
