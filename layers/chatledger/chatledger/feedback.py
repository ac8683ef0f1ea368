"""What a message's feedback says, in whichever words a program sent it."""

from typing import Any, Literal, cast

Rating = Literal["like", "dislike"]

_GOOD = {"good", "like", "up", "positive", "thumbs_up", "true", "1", "1.0"}
_BAD = {"bad", "dislike", "down", "negative", "thumbs_down", "false", "0", "-1", "0.0", "-1.0"}


def rating(feedback: Any) -> Rating | None:
    """Of a word, a number, or Dify's ``{"rating": …}``; None where it says neither."""
    if isinstance(feedback, dict):
        feedback = cast("dict[str, Any]", feedback).get("rating")
    word = str(feedback).lower()
    if word in _GOOD | _BAD:
        return "like" if word in _GOOD else "dislike"
    return None
