"""Answers of the routes of documents."""

from typing import Literal

from pydantic import Field

from chatledger.models.answers.answer import TIME, Answer


class DocumentStored(Answer):
    """The document is there, as an export or a later request finds it."""

    document_id: str
    status: Literal["stored", "unchanged"] = Field(
        description="Unchanged: what is held says the same already."
    )
    upload_url: str = Field(
        description="Takes the original (the PDF, say) by a PUT of at most 5 GB, without a key; it "
        "replaces an earlier one. Send the document again for another link."
    )
    expires_at: str = Field(description=f"Until when the upload_url takes it at most, {TIME}.")
