"""What ends a command early: a sentence for the person, and the exit status."""

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130


class CommandError(Exception):
    """It failed; the message says what is wrong and what to do."""

    exit_status = FAILED

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class WrongUsage(CommandError):
    """The command was given something it cannot use; nothing was begun."""

    exit_status = WRONG_USAGE


class Unreachable(CommandError):
    """The service did not answer, however often it was asked. What was asked may have happened."""


class Refused(CommandError):
    """The service answered with an error. ``code`` is one of its fixed list."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    @property
    def before_anything(self) -> bool:
        """Whether nothing can have happened: it was refused, not broken off."""
        return self.status < 500
