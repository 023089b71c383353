"""Whose an event is that was not taken. Mostly that was told when it was refused; but some are kept as they were sent,
though they cannot be read, or name a second visitor. There an id counts where it stands as ids do: as a whole text
(`"1042"`), a parameter (`uid=1042`), or the number of a member that is called an id (`"userId": 1042`). An order of
1042 dollars is not the visitor 1042's."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from proxy.ports import Refused


def theirs(visitor_ids: Collection[str]) -> Callable[[Refused], bool]:
    """Whether an event that was refused is one of these visitors', or names one."""
    ids = frozenset(visitor_ids)
    any_id = b"|".join(re.escape(visitor_id.encode()) for visitor_id in sorted(ids)) or rb"(?!)"
    names = re.compile(rb'"(?:%b)["\\]|=(?:%b)(?=[&"\s]|\Z)|(?i:id)"\s*:\s*(?:%b)(?=[\s,}\]])' % ((any_id,) * 3))
    return lambda one: one.visitor_id in ids or names.search(one.payload) is not None
