"""Who may do what in the studio, by the token they come with: the owner everything; a writer only write drafts of rule
files, which somebody else publishes; a reader only look."""

from __future__ import annotations

import hmac
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from proxy.studio.segments import SIZE_PATH


class Role(StrEnum):
    """What a token lets one do."""

    OWNER = "owner"
    WRITER = "writer"
    READER = "reader"


ROLE: ContextVar[Role] = ContextVar("role", default=Role.OWNER)
"""The role of the request being answered: its pages have no buttons that it may not press."""
ONLY = {
    Role.READER: "with this token one may look, and change nothing",
    Role.WRITER: "with this token one may write drafts: who publishes, approves, rolls back or pauses has another",
}
WRITING, ASKING = "/file", "/plan"


@dataclass(frozen=True, slots=True)
class Others:
    """The tokens beside the owner's, "" for none. Writers may ask to publish where `writers_ask`: it is then certain
    that somebody else must approve."""

    reader_token: str = ""
    writer_token: str = ""
    writers_ask: bool = False

    def role_of(self, offered: bytes) -> Role | None:
        """The role that this token gives; None if it is neither."""
        for role, token in ((Role.WRITER, self.writer_token), (Role.READER, self.reader_token)):
            if token and hmac.compare_digest(offered, token.encode()):
                return role
        return None

    def may(self, role: Role, method: str, path: str) -> bool:
        """Whether a role may send this request."""
        changes_nothing = method in ("GET", "HEAD") or path == SIZE_PATH
        if role is Role.WRITER:
            return changes_nothing or path == WRITING or (path == ASKING and self.writers_ask)
        return changes_nothing or role is Role.OWNER
