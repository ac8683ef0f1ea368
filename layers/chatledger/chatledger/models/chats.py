"""The bodies of ``POST /chats`` and ``PATCH /chats/{conversation_id}``."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from chatledger.models.fields import (
    Count,
    Id,
    Json,
    JsonObject,
    LargeObject,
    LargeText,
    Model,
    Number,
    Short,
    Strict,
    Time,
)

MAX_CONTEXTS = 80

MessageRole = Literal["user", "assistant", "system", "tool"]
Status = Literal["active", "archived", "resolved", "completed"]

_EXAMPLE: dict[str, Any] = {
    "conversation_id": "meeting_123",
    "user_id": "john_doe",
    "title": "Website",
    "messages": [
        {"content": "Hello team!", "timestamp": "2026-10-01T09:00:00Z"},
        {
            "role": "assistant",
            "content": "Hello John, what shall we build?",
            "timestamp": "2026-10-01T09:01:00Z",
            "ai_service": "mistral",
            "model": "mistral-large-latest",
        },
    ],
}


class MessageIn(Strict):
    """A message as it is sent. Without ``timestamp`` it gets the server's time."""

    id: Id | None = None
    role: MessageRole = "user"
    content: str
    timestamp: Time | None = None
    user_id: Id | None = None
    ai_service: Short | None = None
    model: Model | None = None
    reply_to: Id | None = None
    message_tokens: Count | None = None
    answer_tokens: Count | None = None
    provider_response_latency: Annotated[Number, Field(ge=0)] | None = None
    contexts: Annotated[list[Json], Field(max_length=MAX_CONTEXTS)] | None = None
    feedback: Json = None
    ip_address: Annotated[str, Field(max_length=64)] | None = None
    metadata: JsonObject | None = None


class ChatsRequest(Strict):
    """Messages of one conversation, and what is known of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    conversation_id: Id | None = None
    user_id: Id | None = None
    messages: Annotated[list[MessageIn], Field(min_length=1)]
    app_id: Id | None = None
    title: Short | None = None
    status: Status | None = None
    from_source: Short | None = None
    user_email: Short | None = None
    user_name: Short | None = None
    folder_id: Id | None = None
    model: Model | None = None
    prompt: LargeText | None = None
    temperature: Number | None = None
    metadata: LargeObject | None = None


class ChatPatch(Strict):
    """What to describe anew; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "resolved", "title": "Website, first talk"}]}
    )

    title: Short | None = None
    status: Status | None = None
    metadata: LargeObject | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("send at least one of title, status, metadata.")
        if "status" in self.model_fields_set and self.status is None:
            raise ValueError("status must not be null; leave it out to keep it.")
        return self
