"""Roles, each including the ones before, and what they may do to keys."""

from enum import IntEnum


class Role(IntEnum):
    """Ordered: a role may do whatever a smaller one may."""

    READER = 1
    WRITER = 2
    ADMIN = 3
    OWNER = 4
    OPERATOR = 5

    @property
    def label(self) -> str:
        return self.name.lower()

    @classmethod
    def of(cls, label: str) -> "Role":
        """Raises ``KeyError`` for a name that is no role."""
        return cls[label.upper()]

    def may_handle_key_of(self, role: "Role") -> bool:
        """Whether a caller of this role may make or revoke a key of that role."""
        return self >= Role.OWNER and role <= self
