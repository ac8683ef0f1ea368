"""The body of ``POST /documents``."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from chatledger.models.fields import ID, Id, JsonObject, Number, Strict

MAX_CHUNKS = 50_000
# More than any model that is offered makes.
MAX_DIMENSIONS = 16_384
_EXAMPLE: dict[str, Any] = {
    "document_id": "syllabus_2026",
    "app_id": "biology",
    "filename": "Syllabus.pdf",
    "text": "Week 1: cells. Week 2: genes.",
    "chunks": [
        {"text": "Week 1: cells.", "embedding": [0.12, -0.03, 0.4]},
        {"text": "Week 2: genes.", "embedding": [0.07, 0.21, -0.1]},
    ],
    "metadata": {"url": "https://school.example/syllabus"},
}

Embedding = Annotated[list[Number], Field(min_length=1, max_length=MAX_DIMENSIONS, fail_fast=True)]


class DocumentChunk(Strict):
    """A piece of the document, as an assistant finds it."""

    text: str = Field(description="What the piece says.")
    embedding: Embedding | None = Field(
        None,
        description="The vector that was made of it, at most 16,384 finite numbers. All chunks "
        "have one, of the same length, or none has.",
    )
    metadata: JsonObject | None = Field(
        None, description="What else you keep with the piece: its page, its address."
    )


Chunks = Annotated[list[DocumentChunk], Field(max_length=MAX_CHUNKS, fail_fast=True)]


class DocumentRequest(Strict):
    """A document of a project; it replaces what is held under its id, whole."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    document_id: Id = Field(description=f"Which document; its organization has it once. {ID}.")
    app_id: Id = Field(description=f"Of which application or project; {ID}.")
    text: str = Field("", description="All that it says, as it was read from the original.")
    chunks: Chunks = Field(
        default=[], description="The pieces that it was cut into, in their order; at most 50,000."
    )
    filename: Id | None = Field(
        None, description=f"What its original is called, and is downloaded as; {ID}."
    )
    metadata: JsonObject = Field(
        {},
        description="What else you keep with it; an export names its url and base_url beside the "
        "text.",
    )

    @model_validator(mode="after")
    def _vectors_of_one_kind(self) -> Self:
        lengths = {0 if chunk.embedding is None else len(chunk.embedding) for chunk in self.chunks}
        if len(lengths) > 1:
            found = ", ".join(str(each or "none") for each in sorted(lengths)[:4])
            raise ValueError(
                "the embeddings of all chunks must have the same length, or all be left out; "
                f"lengths here: {found}."
            )
        return self
