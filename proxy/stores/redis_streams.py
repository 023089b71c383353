"""Removes entries from a stream of Redis or Valkey so that no byte of them is left. XDEL only marks an entry as
deleted; its bytes stay in their block. So the server copies the entries that stay, in batches, and the copy replaces
the stream in one step, with the entries added meanwhile.

Its law: of two processes that do so at once, the second starts again. Otherwise entries removed by the first would be
back, or entries copied only in part would be lost.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Any, NamedTuple

from proxy.errors import StoreError

BATCH = 1_000
TRIES = 100
LONGEST_WAIT_SECONDS = 0.5
COPY_SECONDS = 600
"""What is left of a copy whose maker was killed goes by itself."""
Fields = Mapping[bytes, bytes]

# KEYS: the stream. ARGV: where to begin, how many entries to look at, and the texts of which one has to be in a value.
FIND = """
local rows, found = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2]), {}
local function has_any(values)
    for _, value in ipairs(values) do
        for number = 3, #ARGV do
            if string.find(value, ARGV[number], 1, true) then return true end
        end
    end
end
for _, entry in ipairs(rows) do
    if has_any(entry[2]) then found[#found + 1] = entry end
end
return #rows > 0 and {rows[1][1], rows[#rows][1], found} or {}
"""

# KEYS: the stream, the copy. ARGV: the entries from and until, how long the copy may lie about, and the entries to be
# left out. After a broken connection it is asked again, and some may be there already.
COPY = """
local out = {}
for number = 4, #ARGV do out[ARGV[number]] = true end
local copied = 0
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2])) do
    if not out[entry[1]] then
        local added = redis.pcall('XADD', KEYS[2], entry[1], unpack(entry[2]))
        if added.err and not string.find(added.err, 'equal or smaller', 1, true) then return added end
        copied = copied + 1
    end
end
redis.call('EXPIRE', KEYS[2], ARGV[3])
return copied
"""

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


async def take_out(
    client: Any, key: str, is_theirs: Callable[[Fields], bool], with_any: Collection[bytes] = (b"",)
) -> int:
    """Removes the entries for which `is_theirs` is true; returns how many those were. Only entries that hold one of the
    texts `with_any` are sent here and asked about: to send all of a long stream takes seconds. Raises `StoreError` when
    others do the same all the time."""
    beside = f"{key}:copy" if "{" in key else "{" + key + "}:copy"  # in a cluster, where the stream is
    turns, most = f"{beside}:turns", 0
    for number in range(TRIES):
        await asyncio.sleep(min(0.01 * number, LONGEST_WAIT_SECONDS) * random.random())  # noqa: S311  # no secret
        turn = await client.get(turns) or b"0"
        batches = [batch async for batch in _batches(client, key, is_theirs, with_any)]
        gone = sum(len(batch.theirs) for batch in batches)
        most = max(most, gone)  # what is replaced and not known to be, because a connection broke, is not found again
        if not gone:
            return most
        copy, copied = f"{beside}:{secrets.token_hex(8)}", 0
        for batch in batches:
            copied += await client.eval(COPY, 2, key, copy, batch.first, batch.last, COPY_SECONDS, *batch.theirs)
        if await client.eval(REPLACE, 3, key, copy, turns, b"(" + batches[-1].last, turn, copied):
            return most
    raise StoreError("others take entries out of the same stream all the time", help="do it again")


class _Batch(NamedTuple):
    """Some entries in a row, by the first and the last of them, and which of them are to go."""

    first: bytes
    last: bytes
    theirs: list[bytes]


async def _batches(
    client: Any, key: str, is_theirs: Callable[[Fields], bool], with_any: Collection[bytes]
) -> AsyncIterator[_Batch]:
    """All entries, oldest first."""
    after = b"-"
    while answer := await client.eval(FIND, 1, key, after, BATCH, *with_any):
        first, last, found = answer
        rows = [(entry, dict(zip(fields[::2], fields[1::2], strict=True))) for entry, fields in found]
        yield _Batch(first, last, [entry for entry, fields in rows if is_theirs(fields)])
        after = b"(" + last


async def trim_before(client: Any, key: str, moment: float) -> None:
    """Deletes the entries from before that moment (Unix seconds) by the server's clock."""
    await client.xtrim(key, minid=int(moment * 1_000), approximate=False)
