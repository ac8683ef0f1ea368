"""Pairs: what users said and what was answered to it, for formats that train on pairs.

An answer's input is what users said since the last answer, up to the message it says it replies to
(``reply_to``); where that one was answered before, it alone. Several messages of one speaker are
joined by a blank line, for a pair has one text on each side. What nobody asked for (a greeting)
and what nobody answered is in no pair, and neither is a message without text.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chatledger.messages import Message

# Messages that are remembered: an input's, an answer's, and those of what came before. A
# conversation of any length is then written in memory of this many, and is at most so many times
# as large where each pair repeats what came before it.
MAX_REMEMBERED = 10
BETWEEN = "\n\n"


@dataclass(frozen=True, slots=True)
class Pair:
    """``answers`` follow each other; ``before`` came before them, the asked ones among it."""

    asked: tuple[Message, ...]
    answers: tuple[Message, ...]
    before: tuple[Message, ...]

    @property
    def input(self) -> str:
        return _joined(self.asked)

    @property
    def output(self) -> str:
        return _joined(self.answers)

    @property
    def first(self) -> Message:
        """The first of the answers: it has the pair's time and model."""
        return self.answers[0]


def pairs(messages: Iterable[Message]) -> Iterator[Pair]:
    """In one pass; each pair as soon as its answer is over."""
    pairing = _Pairing()
    for message in messages:
        if message.content and (pair := pairing.add(message)):
            yield pair
    if pair := pairing.end():
        yield pair


class _Pairing:
    def __init__(self) -> None:
        self._before = deque[Message](maxlen=MAX_REMEMBERED)
        self._open_questions = deque[Message](maxlen=MAX_REMEMBERED)
        self._pair: Pair | None = None

    def add(self, message: Message) -> Pair | None:
        """The pair before, where this message ends it."""
        ended = None
        if message.role == "user":
            ended = self.end()
            self._open_questions.append(message)
        elif message.role == "assistant":
            ended = self._answered(message)
        self._before.append(message)
        return ended

    def end(self) -> Pair | None:
        ended, self._pair = self._pair, None
        return ended

    def _answered(self, answer: Message) -> Pair | None:
        asked, pair = self._asked(answer), self._pair
        if pair and (not asked or asked[-1] == pair.asked[-1]):
            answers = (*pair.answers, answer)[:MAX_REMEMBERED]
            self._pair = Pair(pair.asked, answers, pair.before)
            return None
        if asked:
            self._pair = Pair(asked, (answer,), tuple(self._before))
        return pair

    def _asked(self, answer: Message) -> tuple[Message, ...]:
        """What it answers; nothing where it goes on with what was said before."""
        waiting = self._open_questions
        ids = [each.id for each in waiting]
        known = [each for each in self._before if (each.id, each.role) == (answer.reply_to, "user")]
        if answer.reply_to not in ids and known:
            return (known[-1],)
        count = ids.index(answer.reply_to) + 1 if answer.reply_to in ids else len(ids)
        return tuple(waiting.popleft() for _ in range(count))


def _joined(messages: Iterable[Message]) -> str:
    return BETWEEN.join(each.content for each in messages)
