"""The rules of `audience/merging.py` in Redis or Valkey. They are read in the same round trip as a visitor's data. When
they change, all profiles are rebuilt, which changes the revision of every log; so a process that folded an event by
older rules has to do it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.audience.merging import Merge, Rules

KEY = "tb:merge-rules"


async def ruled(client: Any) -> Rules:
    """The rules that hold."""
    return rules_in(await client.hgetall(KEY))


def rules_in(answer: Mapping[bytes, bytes]) -> Rules:
    """The rules in what the store has of them."""
    return {name.decode(): Merge(rule.decode()) for name, rule in answer.items()}


async def put(client: Any, rules: Mapping[str, str]) -> None:
    """Replaces the rules."""
    gone = [name for name in await client.hkeys(KEY) if name.decode() not in rules]
    if rules:
        await client.hset(KEY, mapping=dict(rules))
    if gone:
        await client.hdel(KEY, *gone)
