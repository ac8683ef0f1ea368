"""The answer of the route of conversation logs."""

from typing import Any, Literal

from pydantic import Field

from chatledger.models.answers.answer import Answer


class ConversationLogs(Answer):
    """A summary has the figures of the files, an export the conversations."""

    success: Literal[True]
    total_files: int | None = Field(None, description="Of a summary, as the two that follow.")
    total_size_bytes: int | None = None
    directories: list[str] | None = Field(None, description="In which there are files.")
    count: int | None = Field(None, description="Of an export: how many conversations it has.")
    conversations: list[dict[str, Any]] | None = Field(
        None, description="Of an export: each as a log file has it."
    )
