"""What a Redis or Valkey store keeps of one visitor, and the scripts that change it, each at once. All lies under one
hash tag, so that a cluster keeps it together:

    tb:{ID}:log       every event by id, and under "" the log's stamp
    tb:{ID}:profile   a checkpoint: the profile as it was after some of the log
    tb:{ID}:news      the events since, at most a few

The profile is the checkpoint with the news folded in. Folding twice, or in another order, makes no difference
(`events/fold.py`): so an event is added without reading the profile, clients that add to one visitor at once do not
hinder each other, and only every so often a whole profile is written. Who writes one must know that nobody else did:
the stamp counts checkpoints. It names the person whose device the visitor is, too, for what a device does goes there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from redis.exceptions import NoScriptError

from proxy.errors import DamagedValueError, StoreError
from proxy.events.fold import fold
from proxy.model import Profile
from proxy.stores.record import MAX_BYTES, unpacked, unpacked_arrival
from proxy.stores.redis_connecting import store_error

STAMP = b""
"""The field of a log with its stamp; no event has this id."""
MOST_NEWS = 16
"""With so many the next checkpoint is written."""


def profile_key(visitor_id: str) -> str:
    """The key of a visitor's checkpoint."""
    return "tb:{" + visitor_id + "}:profile"


def news_key(visitor_id: str) -> str:
    """The key of the events since the checkpoint."""
    return "tb:{" + visitor_id + "}:news"


def log_key(visitor_id: str) -> str:
    """The key of a visitor's events by id."""
    return "tb:{" + visitor_id + "}:log"


def ack_key(visitor_id: str) -> str:
    """A key in the same slot as a visitor's events, written to learn where these are safe."""
    return "tb:{" + visitor_id + "}:ack"


def keys_of(visitor_id: str) -> tuple[str, str, str]:
    """All that is kept of a visitor, as scripts take it: checkpoint, news, log."""
    return profile_key(visitor_id), news_key(visitor_id), log_key(visitor_id)


def visitor_in(key: bytes) -> str:
    """The visitor id in a key."""
    return key[len("tb:{") : key.rindex(b"}:")].decode()


class Stamp(NamedTuple):
    """A log's stamp as stored; empty when there is no log."""

    value: bytes = b""

    @property
    def alias(self) -> str:
        """The person whose device the visitor is."""
        return self.value.partition(b" ")[2].decode()

    def after(self, profile: Profile | None) -> bytes:
        """The next stamp, with this profile as the checkpoint."""
        count = int(self.value.partition(b" ")[0] or 0) + 1
        return f"{count} {profile.alias if profile else ''}".encode()


class Stored(NamedTuple):
    """A profile as stored: the checkpoint (empty: none), and the news since."""

    checkpoint: bytes
    news: Sequence[bytes] = ()


def profile_of(stored: Stored, visitor_id: str) -> Profile | None:
    """The stored profile. Raises `DamagedValueError`."""
    profile = unpacked(stored.checkpoint, visitor_id) if stored.checkpoint else None
    if not stored.news:
        return profile
    arrivals = [unpacked_arrival(value) for value in stored.news]
    if any(arrival.visitor_id != visitor_id for arrival in arrivals):
        raise DamagedValueError("a stored event is another visitor's", help="rebuild the profile from the log")
    return fold(profile, arrivals)


def stored_of(checkpoint: Any, news: Any) -> Stored | StoreError:
    """The two answers as one, or what is wrong."""
    for answer in (checkpoint, news):
        if isinstance(answer, Exception):
            if str(answer).startswith("WRONGTYPE"):
                return DamagedValueError("a stored profile is of another type", help="rebuild it from the log")
            return store_error(answer)
    return Stored(checkpoint, news)


async def stored(client: Any, visitor_ids: Sequence[str]) -> list[Stored | StoreError]:
    """What is stored of each: of a checkpoint at most one byte more than it may have, whatever lies there. The news are
    read first: a checkpoint written in between has them too."""
    reads = client.pipeline(transaction=False)
    for visitor_id in visitor_ids:
        reads.lrange(news_key(visitor_id), 0, -1)
        reads.getrange(profile_key(visitor_id), 0, MAX_BYTES)
    answers = await reads.execute(raise_on_error=False)
    return [stored_of(checkpoint, news) for news, checkpoint in zip(answers[::2], answers[1::2], strict=True)]


# -- the scripts


class Script(NamedTuple):
    """Lua that changes one visitor's keys; its KEYS are checkpoint, news and log."""

    text: str
    digest: str


def _script(text: str) -> Script:
    return Script(text, hashlib.sha1(text.encode()).hexdigest())  # noqa: S324  # the server's way to name it


ADD = _script("""
-- ARGV: the stamp, what the checkpoint begins with, id and value of each event. How many news there are then, -1 where
-- something else lies than should, and which of the events are new.
if (redis.call('HGET', KEYS[3], '') or '') ~= ARGV[1] then return false end
local said = {0}
for i = 3, #ARGV, 2 do
    if redis.call('HSETNX', KEYS[3], ARGV[i], ARGV[i + 1]) == 1 then
        said[1] = redis.pcall('RPUSH', KEYS[2], ARGV[i + 1])
        said[#said + 1] = (i - 3) / 2
    end
end
if redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[2] - 1) ~= ARGV[2] or type(said[1]) ~= 'number' then said[1] = -1 end
return said
""")
CHECKPOINT = _script("""
-- ARGV: the stamp, the next, the profile, how many of the news are in it, id and value of each event that is too.
if (redis.call('HGET', KEYS[3], '') or '') ~= ARGV[1] then return 0 end
for i = 5, #ARGV, 2 do if redis.call('HEXISTS', KEYS[3], ARGV[i]) == 1 then return 0 end end
redis.call('SET', KEYS[1], ARGV[3])
redis.call('LTRIM', KEYS[2], ARGV[4], -1)
redis.call('HSET', KEYS[3], '', ARGV[2])
for i = 5, #ARGV, 2 do redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) end
return 1
""")
REMAKE = _script("""
-- ARGV: the stamp, the next, how many fields the log had, the profile of what is left or '', the ids to take out.
if (redis.call('HGET', KEYS[3], '') or '') ~= ARGV[1] then return 0 end
if redis.call('HLEN', KEYS[3]) ~= tonumber(ARGV[3]) then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
if ARGV[4] == '' then redis.call('DEL', KEYS[3]) return 1 end
redis.call('SET', KEYS[1], ARGV[4])
redis.call('HSET', KEYS[3], '', ARGV[2])
for i = 5, #ARGV do redis.call('HDEL', KEYS[3], ARGV[i]) end
return 1
""")


class Call(NamedTuple):
    """A script to be run on a visitor."""

    script: Script
    visitor_id: str
    arguments: Sequence[str | bytes | int]


async def ran(client: Any, calls: Sequence[Call]) -> list[Any]:
    """The answers, with an exception in the place of each that failed. A script is sent whole to a server that does not
    know it yet."""
    if not calls:
        return []
    sent = client.pipeline(transaction=False)
    for call in calls:
        sent.evalsha(call.script.digest, 3, *keys_of(call.visitor_id), *call.arguments)
    answers: list[Any] = await sent.execute(raise_on_error=False)
    unknown = [place for place, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
    if unknown:
        whole = client.pipeline(transaction=False)
        for place in unknown:
            call = calls[place]
            whole.eval(call.script.text, 3, *keys_of(call.visitor_id), *call.arguments)
        for place, answer in zip(unknown, await whole.execute(raise_on_error=False), strict=True):
            answers[place] = answer
    return answers


def answered(answer: Any) -> Any:
    """One answer; raised if it is an error."""
    if isinstance(answer, Exception):
        raise answer
    return answer
