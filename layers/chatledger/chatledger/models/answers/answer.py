"""What all answers have: how they look. They document and test; the verbs build what is sent."""

from pydantic import BaseModel, ConfigDict

TIME = "RFC 3339 in UTC"
NEXT = "Send it as cursor to go on; null at the end."
NOT_YET = "Null: not available yet."
LIMIT = "How many were asked for at most."


class Answer(BaseModel):
    """An answer may get more fields in time; clients should not mind."""

    model_config = ConfigDict(extra="allow", defer_build=True)
