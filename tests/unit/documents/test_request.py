"""What a document may be."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from chatledger.api.bodies import MAX_BODY_BYTES, decode_json, validated
from chatledger.documents.content import canonical, line
from chatledger.errors import InvalidRequest
from chatledger.models.documents import MAX_DIMENSIONS, DocumentRequest
from tests.fakes.chats import NOON

LEAST = {"document_id": "d", "app_id": "a"}


def chunks(*embeddings: Any) -> dict[str, Any]:
    return {**LEAST, "chunks": [{"text": "t", "embedding": each} for each in embeddings]}


def test_only_the_two_ids_are_needed():
    request = validated(DocumentRequest, LEAST)
    assert (request.text, request.chunks, request.filename, request.metadata) == ("", [], None, {})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"app_id": "a"}, "document_id is missing; add it."),
        ({"document_id": "d"}, "app_id is missing; add it."),
        ({**LEAST, "document_id": ""}, "document_id: the id must be 1 to 256 bytes"),
        ({**LEAST, "document_id": "ä" * 129}, "document_id: the id must be 1 to 256 bytes"),
        ({**LEAST, "filename": "a\nb"}, "filename: the id must not hold control characters."),
        ({**LEAST, "colour": "red"}, "colour is not known here. Leave it out."),
        ({**LEAST, "metadata": []}, "metadata must be a valid dictionary."),
        ({**LEAST, "text": None}, "text must be a valid string."),
        ({**LEAST, "chunks": [{}]}, "chunks.0.text is missing; add it."),
        (chunks([]), "chunks.0.embedding must have at least 1 item"),
        (chunks([0.1, "0.2"]), "chunks.0.embedding.1 must be a valid number."),
        (chunks([0.1, True]), "chunks.0.embedding.1 must be a valid number."),
        (chunks([0.1, None]), "chunks.0.embedding.1 must be a valid number."),
        (chunks([float("inf")]), "chunks.0.embedding.0 must be a finite number."),
        (chunks([0.5] * (MAX_DIMENSIONS + 1)), "at most 16384 items"),
        (
            chunks([1, 2], [3]),
            "The embeddings of all chunks must have the same length, or all be left out; lengths "
            "here: 1, 2.",
        ),
        (chunks([1, 2], None), "lengths here: none, 2."),
    ],
)
def test_what_is_wrong_is_said(values: dict[str, Any], said: str):
    with pytest.raises(InvalidRequest) as caught:
        validated(DocumentRequest, values)
    assert said in caught.value.message


@pytest.mark.parametrize(
    "values",
    [chunks(), chunks(None, None), chunks([1, 0.5], [-0.0, 1e-300]), chunks([0.5] * 16_384)],
)
def test_vectors_of_one_length_or_none_are_good(values: dict[str, Any]):
    request = validated(DocumentRequest, values)
    assert [each.embedding for each in request.chunks] == [
        each["embedding"] for each in values["chunks"]
    ]


@pytest.mark.parametrize("piece", ["{}", '"x"', '{"text":"","embedding":[null]}'])
def test_a_body_full_of_faults_is_refused_at_its_first(piece: str):
    """A fault each would take gigabytes to list."""
    count = (MAX_BODY_BYTES - 100) // (len(piece) + 1)
    start = '{"document_id":"d","app_id":"a","chunks":['
    values = decode_json((start + ",".join([piece] * count) + "]}").encode())
    tracemalloc.start()
    with pytest.raises(InvalidRequest):
        validated(DocumentRequest, values)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 1024 * 1024


def test_the_same_document_has_the_same_bytes_however_it_is_written():
    one = {**chunks([1, 0.25]), "metadata": {"b": 1, "a": {"d": 1, "c": 2}}}
    other = json.loads(json.dumps(one, sort_keys=True).replace("[1, 0.25]", "[1.0, 25e-2]"))
    first, second = (canonical(DocumentRequest.model_validate(each)) for each in (one, other))
    assert first == second
    assert first != canonical(DocumentRequest.model_validate({**one, "text": "x"}))


def test_an_exports_line_has_the_names_of_uiuc_and_all_that_was_sent():
    sent = {
        "document_id": "d\u2028#/1",
        "app_id": "biology",
        "text": 'line 1\r\nline "2" 😀 \u202eright\x07',
        "chunks": [
            {"text": "line 1", "embedding": [0.1, 1e-300, -2.0], "metadata": {"page": 1}},
            {"text": "line 2", "embedding": [1.5, 2.5, 3.5]},
        ],
        "filename": "Größe.pdf",
        "metadata": {"url": "https://a.example", "base_url": 7, "pages": [1, None]},
    }
    written = line(canonical(DocumentRequest.model_validate(sent)), NOON)
    assert written.count(b"\n") == 1
    row = json.loads(written)
    assert isinstance(row.pop("id"), int)
    assert row == {
        "base_url": None,
        "contexts": sent["chunks"],
        "course_name": "biology",
        "created_at": "2026-11-21T12:00:00Z",
        "document_id": sent["document_id"],
        "metadata": sent["metadata"],
        "readable_filename": "Größe.pdf",
        "s3_path": None,
        "text": sent["text"],
        "url": "https://a.example",
    }


def test_the_page_of_formats_shows_the_documented_example_as_it_is_exported():
    page = (Path(__file__).parents[3] / "docs" / "formats.md").read_text()
    shown = page.split("\n## Documents\n")[1].split("```json\n")[1].split("```")[0]
    example = DocumentRequest.model_json_schema()["examples"][0]
    assert json.loads(line(canonical(DocumentRequest.model_validate(example)), NOON)) == json.loads(
        shown
    )
