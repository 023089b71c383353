"""The bus of a shop on many machines: two streams in the Redis or Valkey server that stores the profiles.

Streams rather than pub/sub: after a broken connection a process reads what was sent meanwhile, so that a purge may be
late but is never lost. If a process was away for so long that others did not wait for it, and its position in the
stream is gone, it gets a message on `MISSED`. One stream has the messages of `request`, the other those of `publish`,
so that a flood of the latter does not push out the former. Every process writes a heartbeat once a second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable
from math import inf
from typing import Any

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError, RedisError

from proxy.bus.listeners import REPLY_SECONDS, Listeners, name_of_process
from proxy.ending import ended
from proxy.ports import ID_BYTES, MISSED, OnMessage, Replies

log = logging.getLogger("tailorbird.bus")

AWAY = (RedisError, OSError, RuntimeError, ValueError)
"""Errors of a server that cannot be reached: also uvloop's RuntimeError for a connection that broke while it was
opened, and ValueError for bytes that are not RESP."""

REQUESTS, PUBLISHED, LIVE = "{tb:bus}:sent", "{tb:bus}:told", "{tb:bus}:live"
LIVE_SECONDS = 3.0
"""A process without a heartbeat for so long counts as gone."""
BEAT_MS = 1_000
LONGEST_BEAT_SECONDS = 2.0
"""A process without a heartbeat of its own for longer was cut off, and others with it, perhaps."""
BEGINNING = "0-0"
"""The position in a stream before its first message."""
MOST_REQUESTS, MOST_PUBLISHED = 1_000, 10_000
_AT_ONCE = 100
_BUSY_SECONDS = 4.0  # longer than the longest blocking read
_THOUGH_FULL = "#!lua flags=allow-oom\nreturn redis.call(unpack(ARGV))"


class RedisBus:
    """A `Bus` between all processes that use the same server. `connect` makes a client of it."""

    def __init__(self, connect: Callable[..., Any]) -> None:
        self.name = name_of_process()
        self.is_alone = False
        self._client = connect(
            protocol=2,
            socket_timeout=_BUSY_SECONDS,
            socket_connect_timeout=REPLY_SECONDS / 2,
            retry=Retry(NoBackoff(), 0),
        )
        self._listeners = Listeners()
        self._is_closed = False
        self._silent: dict[str, float] = {}  # silent since that heartbeat: not waited for until the next
        self._read_to: dict[str, str] = {}
        self._beat_at = self._back_at = -inf
        self._following: asyncio.Task[None] | None = None
        self._doing: set[asyncio.Task[None]] = set()

    def listen(self, topic: str, on_message: OnMessage) -> None:
        self._listeners.listen(topic, on_message)

    async def open(self) -> None:
        if self._following is None:
            with contextlib.suppress(*AWAY):
                async with asyncio.timeout(REPLY_SECONDS):
                    await self._begin()
            self._following = asyncio.create_task(self._follow())

    async def request(self, topic: str, payload: bytes = b"") -> Replies:
        message_id = secrets.token_hex(8)
        try:
            async with asyncio.timeout(REPLY_SECONDS):
                live = await self._live()
                await self._add(REQUESTS, MOST_REQUESTS, topic, payload, message_id)
        except AWAY as error:
            why = "it is silent" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
            log.warning("`%s` reaches this process alone, the server of the bus does not take it: %s", topic, why)
            own = await self._listeners.reply(self.name, topic, payload)
            return Replies(frozenset({self.name}), own, is_cut_off=True)
        awaited = frozenset(name for name, beat in live.items() if self._silent.get(name) != beat)
        answers = await self._answers(message_id, awaited)
        self._silent = {name: beat for name, beat in live.items() if name not in answers}
        is_just_back = time.monotonic() - self._back_at < LIVE_SECONDS
        return Replies(frozenset(live), answers, is_cut_off=is_just_back)  # others may be about to come back, too

    async def publish(self, topic: str, payload: bytes = b"") -> None:
        try:
            async with asyncio.timeout(REPLY_SECONDS):
                await self._add(PUBLISHED, MOST_PUBLISHED, topic, payload, "")
        except AWAY:
            await self._listeners.handle(topic, payload)

    async def aclose(self) -> None:
        self._is_closed = True
        await ended(*filter(None, (self._following, *self._doing)))
        with contextlib.suppress(*AWAY):
            async with asyncio.timeout(REPLY_SECONDS / 2):
                await self._client.zrem(LIVE, self.name)
        await self._client.aclose()

    # -- sending

    async def _add(self, stream: str, most: int, topic: str, payload: bytes, message_id: str) -> None:
        fields = "topic", topic, "payload", payload, "id", message_id
        await self._write(("XADD", stream, "MAXLEN", "~", most, "*", *fields))

    async def _write(self, *commands: tuple[Any, ...]) -> None:
        """Runs commands on one key. A server whose memory is full takes them all the same: messages and heartbeats are
        few, and purges have to go on."""
        sent = self._client.pipeline(transaction=False)
        for command in commands:
            sent.execute_command(*command)
        failed = [answer for answer in await sent.execute(raise_on_error=False) if isinstance(answer, Exception)]
        if failed and not isinstance(failed[0], OutOfMemoryError):
            raise failed[0]  # not as the library would, with the command: it has visitors in it, and is logged
        for command in commands if failed else ():
            await self._client.eval(_THOUGH_FULL, 1, command[1], *command)

    async def _live(self) -> dict[str, float]:
        """The processes that are alive, with the time of their last heartbeat by the server's clock: the clocks of
        machines may differ."""
        since = await self._now() - LIVE_SECONDS
        beats = await self._client.zrangebyscore(LIVE, since, "+inf", withscores=True)
        return {self.name: 0.0} | {name.decode(): beat for name, beat in beats}

    async def _now(self) -> float:
        seconds, microseconds = await self._client.time()
        return float(seconds) + float(microseconds) / 1e6

    async def _answers(self, message_id: str, live: frozenset[str]) -> dict[str, bytes]:
        answers: dict[str, bytes] = {}
        with contextlib.suppress(*AWAY):
            async with asyncio.timeout(REPLY_SECONDS):
                while not live <= answers.keys():
                    said = await self._client.blpop([_answers_key(message_id)], timeout=REPLY_SECONDS)
                    if said is None:
                        break  # the server's clock was the faster one
                    name, _, answer = said[1].partition(b"\n")
                    answers[name.decode()] = answer
        return answers

    # -- receiving

    async def _begin(self) -> None:
        """Reads from the newest message on; writes the first heartbeat."""
        positions = {}
        for stream in (REQUESTS, PUBLISHED):
            newest = await self._client.xrevrange(stream, count=1)
            positions[stream] = newest[0][0].decode() if newest else BEGINNING
        await self._beat()
        self._read_to = positions

    async def _beat(self) -> None:
        now = await self._now()
        await self._write(("ZADD", LIVE, now, self.name), ("ZREMRANGEBYSCORE", LIVE, "-inf", now - 10 * LIVE_SECONDS))
        before, self._beat_at = self._beat_at, time.monotonic()
        if LONGEST_BEAT_SECONDS < self._beat_at - before < inf:
            self._back_at = self._beat_at

    async def _follow(self) -> None:
        pause = 0.05
        while not self._is_closed:
            try:
                if await self._may_have_missed():
                    await self._begin()
                    await self._listeners.handle(MISSED, secrets.token_bytes(ID_BYTES))
                await self._read_on()
                pause = 0.05
            except AWAY as error:
                log.debug("the server of the bus is away: %s", error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, 1.0)

    async def _may_have_missed(self) -> bool:
        """Whether unread messages may be gone whose senders did not wait for this process."""
        if time.monotonic() - self._beat_at < LIVE_SECONDS:
            return False
        position = self._read_to.get(REQUESTS, "")
        if position == BEGINNING:
            return int(await self._client.xlen(REQUESTS)) >= MOST_REQUESTS
        return not (position and await self._client.xrange(REQUESTS, position, position))

    async def _read_on(self) -> None:
        await self._beat()
        read = await self._client.xread(dict(self._read_to), count=_AT_ONCE, block=BEAT_MS)
        for stream, messages in read:
            for position, fields in messages:
                self._read_to[stream.decode()] = position.decode()
                task = asyncio.create_task(self._handle(fields))
                self._doing.add(task)
                task.add_done_callback(self._doing.discard)

    async def _handle(self, fields: dict[bytes, bytes]) -> None:
        answer = await self._listeners.handle(fields[b"topic"].decode(), fields[b"payload"])
        if answer is None or not fields[b"id"]:
            return
        key = _answers_key(fields[b"id"].decode())
        with contextlib.suppress(*AWAY):
            await self._write(("RPUSH", key, self.name.encode() + b"\n" + answer), ("EXPIRE", key, 10))


def _answers_key(message_id: str) -> str:
    return "{tb:bus}:answers:" + message_id
