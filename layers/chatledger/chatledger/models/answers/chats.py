"""Answers of the routes that store, read and follow conversations."""

from typing import Literal

from pydantic import Field

from chatledger.models.answers.answer import LIMIT, NEXT, TIME, Answer
from chatledger.models.chats import MessageRole, Status


class ChatsStored(Answer):
    """They are stored, each once."""

    status: Literal["success"]
    inserted_count: int = Field(description="How many were new, revisions among them.")
    duplicate_count: int = Field(description="How many were there already.")
    conversation_id: str = Field(description="As sent, or the one that was made.")


class MessageOut(Answer):
    """A message with all that was sent of it; what was not is left out."""

    id: str = Field(description="As sent, or the one that was made.")
    timestamp: str = Field(description=f"{TIME}; as sent, or when it came here.")
    role: MessageRole
    content: str
    user_id: str | None = Field(description="Who sent it, where that is known.")


class Conversation(Answer):
    """A conversation's id, and what is known of it: title, app_id, metadata and so on."""

    conversation_id: str
    status: Status


class ConversationPage(Conversation):
    """The totals are there when paging by number, not when going on from a cursor."""

    messages: list[MessageOut] = Field(description="In time order; of a revised one the newest.")
    limit: int = Field(description=f"{LIMIT} A page of long messages has fewer.")
    page: int | None = Field(None, description="Which page, from 1.")
    total_pages: int | None = Field(None, description="Of this limit.")
    total_messages: int | None = Field(None, description="Of the whole conversation.")
    next_cursor: str | None = Field(description=NEXT)


class ConversationSummary(Conversation):
    """A conversation in a list."""

    last_message: str = Field(
        description="The newest message in the range: its first 2,000 characters."
    )
    timestamp: str = Field(description=f"That message's time, {TIME}.")


class ConversationList(Answer):
    """Newest first."""

    conversations: list[ConversationSummary]
    limit: int = Field(
        description=f"{LIMIT} There may be fewer, even none, before the end: a search answers "
        "after some seconds with what it has."
    )
    next_cursor: str | None = Field(description=NEXT)


class UserChats(Answer):
    """Newest first. The page is there when paging by number, not when going on from a cursor."""

    user_id: str
    conversations: list[ConversationSummary]
    total_conversations: int = Field(description="How many the user has in the range.")
    page: int | None = Field(None, description="Which page, from 1.")
    limit: int = Field(description=LIMIT)
    total_pages: int = Field(description="Of this limit; at least 1.")
    next_cursor: str | None = Field(description=NEXT)


class Change(Answer):
    """A message, with all that was sent of it, or the record of messages that were cleared."""

    type: Literal["message", "cleared"]
    conversation_id: str
    id: str | None = Field(None, description="Of a message, as are the fields that follow it.")
    messages: int | None = Field(None, description="Of what was cleared: how many.")
    cleared_by: str | None = Field(None, description="The export whose archive holds them.")
    digests: list[list[str]] | None = Field(
        None, description="Of each: which message (id and time), which content; in hexadecimal."
    )


class ChangesPage(Answer):
    """What was committed after the cursor, in the order it was committed in within a shard."""

    changes: list[Change] = Field(
        description="The same id and time again is a revision: the later one counts."
    )
    cursor: str = Field(description="Where to go on; serves as the since of an export too.")
    end_of_stream: bool = Field(description="Whether that was all when it was read.")
