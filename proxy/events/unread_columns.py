"""Columns of an import that nobody reads. An order whose total stands below `sum` is one of 0, and nobody would see
why; so they are reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from proxy.audience.rows import MOST_LISTED, Note, Row
from proxy.events.imported import Reading, is_call


class UnreadColumns:
    """Looks at rows as they pass; `notes` then tells which of their columns a `Reading` does not ask for."""

    def __init__(self, reading: Reading) -> None:
        self._read = reading.names()
        self._whats = ", ".join(reading.known)
        self._unread: dict[str, int] = {}

    def looking(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows."""
        for row in rows:
            if not is_call(row):
                for name in row.cells:
                    if name not in self._read:
                        self._unread.setdefault(name, row.line)
            yield row

    def notes(self) -> Iterator[Note]:
        """One note of all of them, on the first line with such a value."""
        if not self._unread:
            return
        names = list(self._unread)
        more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
        listed = ", ".join(f"`{name}`" for name in names[:MOST_LISTED])
        help = f"what is missed is named by --column WHAT=NAME, of {self._whats}"
        yield Note(self._unread[names[0]], "", f"not read: {listed}{more}; {help}")
