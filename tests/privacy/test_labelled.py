"""Recall and precision on the labelled set are what docs/privacy.md says."""

import re
from collections import Counter
from pathlib import Path

from chatledger.privacy.redaction import redact
from tests.privacy.labelled import negatives, positives

PAGE = (Path(__file__).parents[2] / "docs/privacy.md").read_text()


def measured() -> dict[str, tuple[int, int, int]]:
    """By kind: how many there are, how many of them were found, and how much else was."""
    there, found, wrong = Counter[str](), Counter[str](), Counter[str]()
    for kind, thing, text in positives():
        counts = Counter[str]()
        left = redact(text, counts)
        there[kind] += 1
        found[kind] += thing not in left and counts[kind] > 0
        for other, count in counts.items():
            wrong[other] += count - (1 if other == kind else 0)
    for text in negatives():
        counts = Counter[str]()
        redact(text, counts)
        wrong.update(counts)
    kinds = sorted(there | wrong)
    return {kind: (there[kind], found[kind], max(0, wrong[kind])) for kind in kinds}


def test_the_page_says_what_is_measured():
    rows = [
        f"| {kind} | {there} | {found / there:.3f} | {found / max(1, found + wrong):.3f} |"
        for kind, (there, found, wrong) in measured().items()
    ]
    assert len(positives()) > 900
    assert len(negatives()) > 150
    missing = [row for row in rows if row not in PAGE]
    assert not missing, "\n".join(rows)


def test_what_is_said_to_be_found_is_found():
    for kind, (there, found, _) in measured().items():
        claimed = re.search(rf"^\| {kind} \| \d+ \| (\S+) \|", PAGE, re.MULTILINE)
        assert claimed
        assert found / there >= float(claimed[1]) - 0.0005
