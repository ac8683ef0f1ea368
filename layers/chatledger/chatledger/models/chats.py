"""The bodies of ``POST /chats`` and ``PATCH /chats/{conversation_id}``."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, FailFast, Field, ValidationError, model_validator

from chatledger.models.fields import (
    ID,
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
# A hundred bytes each: more would be checked for longer than they take to be sent.
MAX_MESSAGES = 40_000

MessageRole = Literal["user", "assistant", "system", "tool"]
Status = Literal["active", "archived", "resolved", "completed"]

_TITLE = "What it is about; at most 1,000 characters."
_STATUS = "How far the conversation is."
_METADATA = (
    "Anything else as a JSON object, which replaces the one before whole; at most 100 KB as JSON, "
    "integers of 64 bits, up to 64 levels deep."
)

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
    """A message as it is sent: at most 300 KB as JSON with all its fields."""

    id: Id | None = Field(
        None,
        description=f"The message's own id, {ID}. Made of time, role, sender and content if left "
        "out. With the time it says which message this is.",
    )
    role: MessageRole = Field("user", description="Who speaks; user if left out.")
    content: str = Field(description="What is said; may be empty.")
    timestamp: Time | None = Field(
        None,
        description="When it was said: RFC 3339, UTC without an offset. The server's time if left "
        "out; repeat such a message only under an Idempotency-Key.",
    )
    user_id: Id | None = Field(
        None,
        description="Who sent it. For a user message the request's "
        "user_id if left out, for others nobody.",
    )
    ai_service: Short | None = Field(
        None, description="The AI service that answered, such as mistral; at most 1,000 characters."
    )
    model: Model | None = Field(
        None, description="The model that answered: its name, or id and name."
    )
    reply_to: Id | None = Field(None, description=f"The id of the message it answers; {ID}.")
    message_tokens: Count | None = Field(None, description="Tokens of the prompt; 0 or more.")
    answer_tokens: Count | None = Field(None, description="Tokens of the answer; 0 or more.")
    provider_response_latency: Number | None = Field(
        None, ge=0, description="How long the AI service took, in seconds; 0 or more."
    )
    contexts: list[Json] | None = Field(
        None,
        max_length=MAX_CONTEXTS,
        description=f"What the model was given to answer from, any JSON; at most {MAX_CONTEXTS}.",
    )
    feedback: Json = Field(
        None, description="What was thought of the message, any JSON; up to 64 levels deep."
    )
    ip_address: Annotated[str, Field(max_length=64)] | None = Field(
        None,
        description="The address it came from; at most 64 characters. An export leaves it out "
        "unless asked; an archive has it always.",
    )
    metadata: JsonObject | None = Field(
        None,
        description="Anything else as a JSON object; integers of 64 bits, up to 64 levels deep.",
    )


class ChatsRequest(Strict):
    """Messages of one conversation, and what is known of it.

    Of the conversation the newest value wins, and what is left out or null stays as it was.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    conversation_id: Id | None = Field(
        None, description=f"Which conversation; {ID}. A new one is made if left out."
    )
    user_id: Id | None = Field(
        None,
        description=f"Whose conversation it is, and who sent its user messages that name nobody; "
        f"{ID}. Nobody if left out.",
    )
    messages: Annotated[list[MessageIn], FailFast()] = Field(
        min_length=1,
        max_length=MAX_MESSAGES,
        description=f"1 to {MAX_MESSAGES:,}, in any order; at most 300 KB each and 4 MB together, "
        "of at most 1,000 days, 10,000 quarter hours and 100 users.",
    )
    app_id: Id | None = Field(None, description=f"The application it was held in; {ID}.")
    title: Short | None = Field(None, description=_TITLE)
    status: Status | None = Field(None, description=f"{_STATUS} A new conversation is active.")
    from_source: Short | None = Field(
        None, description="Where it comes from, such as web; at most 1,000 characters."
    )
    user_email: Short | None = Field(
        None, description="The user's e-mail address; at most 1,000 characters."
    )
    user_name: Short | None = Field(None, description="The user's name; at most 1,000 characters.")
    folder_id: Id | None = Field(None, description=f"The folder it is kept in; {ID}.")
    model: Model | None = Field(
        None, description="The model the conversation is set to: its name, or id and name."
    )
    prompt: LargeText | None = Field(None, description="The system prompt; at most 100 KB as JSON.")
    temperature: Number | None = Field(None, description="The model's temperature.")
    metadata: LargeObject | None = Field(None, description=_METADATA)


class ChatPatch(Strict):
    """What to describe anew; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "resolved", "title": "Website, first talk"}]}
    )

    title: Short | None = Field(None, description=f"{_TITLE} Null takes it away.")
    status: Status | None = Field(None, description=f"{_STATUS} Not null.")
    metadata: LargeObject | None = Field(None, description=f"{_METADATA} Null takes it away.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("send at least one of title, status, metadata.")
        if "status" in self.model_fields_set and self.status is None:
            raise ValueError("status must not be null; leave it out to keep it.")
        return self


def check_described(about: dict[str, Any]) -> None:
    """Raises ``ValueError`` for what a request could not say of a conversation, or larger."""
    if taken := {"conversation_id", "messages"} & about.keys():
        raise ValueError(f"{min(taken)} is none of what a conversation says of itself.")
    _check(ChatsRequest, {**about, "messages": _ANY_MESSAGES})


def check_sent(fields: dict[str, Any]) -> None:
    """Raises ``ValueError`` for what a request could not have as a message."""
    _check(MessageIn, fields)


_ANY_MESSAGES = [{"content": ""}]


def _check(model: type[Strict], values: dict[str, Any]) -> None:
    try:
        model.model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step)[:32] for step in fault["loc"])
        raise ValueError(f"{place}: {fault['msg'][:200]}") from None
