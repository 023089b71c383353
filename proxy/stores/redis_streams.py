"""Taking entries out of a stream of Redis or Valkey so that no byte of them is left. The server only marks an entry
that is deleted; its bytes lie in their block until that is written anew. So what stays is copied, in batches, and takes
the stream's place in one step, with whatever came meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

BATCH = 1_000
Fields = Mapping[bytes, bytes]

# KEYS: the stream, the copy. ARGV: the last entry that was looked at.
REPLACE = """
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], ARGV[1], '+')) do
    redis.call('XADD', KEYS[2], entry[1], unpack(entry[2]))
end
redis.call('DEL', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[1]) end
return 1
"""


async def take_out(client: Any, key: str, is_theirs: Callable[[Fields], bool]) -> int:
    """Removes the entries for which `is_theirs` is true; returns how many those were."""
    gone = sum([is_theirs(fields) async for _, fields in entries(client, key)])
    if not gone:
        return 0
    copy, last = f"{key}:copy" if "{" in key else "{" + key + "}:copy", b"-"  # in a cluster, where the stream is
    await client.delete(copy)
    kept = client.pipeline(transaction=False)
    async for entry, fields in entries(client, key):
        last = b"(" + entry
        if not is_theirs(fields):
            kept.xadd(copy, fields, id=entry)
        if len(kept) >= BATCH:
            await kept.execute()
    await kept.execute()
    await client.eval(REPLACE, 2, key, copy, last)
    return gone


async def let_go(client: Any, key: str, moment: float) -> None:
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
