"""Removes entries from a stream of Redis or Valkey so that no byte of them is left. XDEL only marks an entry as
deleted; its bytes stay in their block. So the entries that stay are copied, in batches, and the copy replaces the
stream in one step, with the entries added meanwhile.

Its law: of two processes that do so at once, the second starts again. Otherwise entries removed by the first would be
back, or entries copied only in part would be lost.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from proxy.errors import StoreError

BATCH = 1_000
TRIES = 100
LONGEST_WAIT_SECONDS = 0.5
COPY_SECONDS = 600
"""What is left of a copy whose maker was killed goes by itself."""
Fields = Mapping[bytes, bytes]

# KEYS: the stream, the copy, how often the stream was replaced. ARGV: the last entry that was looked at, how often it
# had been replaced then, how many entries were copied.
REPLACE = """
local length = redis.call('XLEN', KEYS[2])
if (redis.call('GET', KEYS[3]) or '0') ~= ARGV[2] or length ~= tonumber(ARGV[3]) then
    redis.call('DEL', KEYS[2])
    return 0
end
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], ARGV[1], '+')) do
    redis.call('XADD', KEYS[2], entry[1], unpack(entry[2]))
end
redis.call('DEL', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 1 then
    redis.call('RENAME', KEYS[2], KEYS[1])
    redis.call('PERSIST', KEYS[1])
end
redis.call('INCR', KEYS[3])
return 1
"""


async def take_out(client: Any, key: str, is_theirs: Callable[[Fields], bool]) -> int:
    """Removes the entries for which `is_theirs` is true; returns how many those were. Raises `StoreError` when others
    do the same all the time."""
    most = 0
    for turn in range(TRIES):
        await asyncio.sleep(min(0.01 * turn, LONGEST_WAIT_SECONDS) * random.random())  # noqa: S311  # no secret
        gone = sum([is_theirs(fields) async for _, fields in entries(client, key)])
        most = max(most, gone)  # what is replaced and not known to be, because a connection broke, is not found again
        if not gone or await _is_replaced(client, key, is_theirs):
            return most
    raise StoreError("others take entries out of the same stream all the time", help="do it again")


async def _is_replaced(client: Any, key: str, is_theirs: Callable[[Fields], bool]) -> bool:
    """Replaces the stream by a copy without those entries, unless somebody else did meanwhile."""
    beside = f"{key}:copy" if "{" in key else "{" + key + "}:copy"  # in a cluster, where the stream is
    copy, turns = f"{beside}:{secrets.token_hex(8)}", f"{beside}:turns"
    turn = await client.get(turns) or b"0"
    last, copied = b"-", 0
    kept = client.pipeline(transaction=False)
    async for entry, fields in entries(client, key):
        last = b"(" + entry
        if not is_theirs(fields):
            kept.xadd(copy, fields, id=entry)
            copied += 1
        if len(kept) >= BATCH:
            await _send(kept.expire(copy, COPY_SECONDS))
    await _send(kept.expire(copy, COPY_SECONDS))
    return bool(await client.eval(REPLACE, 3, key, copy, turns, last, turn, copied))


async def _send(copying: Any) -> None:
    """Adds entries to a copy. After a broken connection the client sends them again, and some may be there already."""
    for answer in await copying.execute(raise_on_error=False):
        if isinstance(answer, Exception) and "equal or smaller" not in str(answer):
            raise answer


async def trim_before(client: Any, key: str, moment: float) -> None:
    """Deletes the entries from before that moment (Unix seconds) by the server's clock."""
    await client.xtrim(key, minid=int(moment * 1_000), approximate=False)


async def entries(client: Any, key: str) -> AsyncIterator[tuple[bytes, Fields]]:
    """The entries, oldest first."""
    after = "-"
    while True:
        rows = await client.xrange(key, after, "+", BATCH)
        for entry, fields in rows:
            yield entry, fields
        if len(rows) < BATCH:
            return
        after = f"({rows[-1][0].decode()}"
