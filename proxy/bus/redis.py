"""The bus of a shop on many machines: two streams in the Redis or Valkey server that holds the profiles.

Streams and not pub/sub: after a broken connection a process reads what was sent meanwhile, so a purge may be late but
is never lost. A process that was away for so long that others did not wait for it, and whose place in the stream is
gone, is told that it may have missed something. `sent` has messages that are confirmed, `told` those that nobody waits
for, so that a flood of the latter does not push out the former. Every process says once a second that it is alive.
"""

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
from redis.exceptions import RedisError

from proxy.bus.listeners import ID_BYTES, REPLY_SECONDS, Listeners, name_of_process
from proxy.ending import ended
from proxy.ports import MISSED, OnMessage, Replies

log = logging.getLogger("tailorbird.bus")

AWAY = (RedisError, OSError, RuntimeError, ValueError)
"""What says that the server is away: uvloop's RuntimeError, too, where a connection broke as it was made, and bytes
that are no RESP."""

SENT, TOLD, LIVE = "{tb:bus}:sent", "{tb:bus}:told", "{tb:bus}:live"
LIVES_SECONDS = 3.0
"""Who has said nothing for so long counts as gone."""
BEAT_MS = 1_000
NOTHING = "0-0"
"""The place in a stream that is empty."""
MOST_SENT, MOST_TOLD = 1_000, 10_000
_AT_ONCE = 100
_BUSY_SECONDS = 4.0  # longer than the longest blocking read


class RedisBus:
    """A `Bus` among all processes that name the same server. `connect` makes a client of it."""

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
        self._silent: dict[str, float] = {}  # who has not answered since that beat: not waited for until the next
        self._read_to: dict[str, str] = {}
        self._beat_at = -inf
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

    async def send(self, topic: str, payload: bytes = b"") -> Replies:
        message_id = secrets.token_hex(8)
        try:
            async with asyncio.timeout(REPLY_SECONDS):
                live = await self._live()
                await self._add(SENT, MOST_SENT, topic, payload, message_id)
        except AWAY as error:
            log.warning("`%s` reaches this process alone, the server of the bus is away: %s", topic, error)
            here = await self._listeners.reply(self.name, topic, payload)
            return Replies(frozenset({self.name}), here, is_cut_off=True)
        awaited = frozenset(name for name, beat in live.items() if self._silent.get(name) != beat)
        answers = await self._answers(message_id, awaited)
        self._silent = {name: beat for name, beat in live.items() if name not in answers}
        return Replies(frozenset(live), answers)

    async def tell(self, topic: str, payload: bytes = b"") -> None:
        try:
            async with asyncio.timeout(REPLY_SECONDS):
                await self._add(TOLD, MOST_TOLD, topic, payload, "")
        except AWAY:
            await self._listeners.handle(topic, payload)

    async def aclose(self) -> None:
        self._is_closed = True
        await ended(*filter(None, (self._following, *self._doing)))
        with contextlib.suppress(*AWAY):
            async with asyncio.timeout(REPLY_SECONDS / 2):
                await self._client.zrem(LIVE, self.name)
        await self._client.aclose()

    # -- telling

    async def _add(self, stream: str, most: int, topic: str, payload: bytes, message_id: str) -> None:
        fields = {"topic": topic, "payload": payload, "id": message_id}
        await self._client.xadd(stream, fields, maxlen=most, approximate=True)

    async def _live(self) -> dict[str, float]:
        """Processes that are alive, and when each last said so by the server's clock: machines need not agree on the
        time."""
        since = await self._now() - LIVES_SECONDS
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
                    _, said = await self._client.blpop([_answers_key(message_id)], timeout=REPLY_SECONDS)
                    name, _, answer = said.partition(b"\n")
                    answers[name.decode()] = answer
        return answers

    # -- hearing

    async def _begin(self) -> None:
        """From the newest message on; and says that we live."""
        places = {}
        for stream in (SENT, TOLD):
            newest = await self._client.xrevrange(stream, count=1)
            places[stream] = newest[0][0].decode() if newest else NOTHING
        await self._beat()
        self._read_to = places

    async def _beat(self) -> None:
        now = await self._now()
        await self._client.zadd(LIVE, {self.name: now})
        await self._client.zremrangebyscore(LIVE, "-inf", now - 10 * LIVES_SECONDS)
        self._beat_at = time.monotonic()

    async def _follow(self) -> None:
        pause = 0.05
        while not self._is_closed:
            try:
                if await self._has_lost_its_place():
                    await self._begin()
                    await self._listeners.handle(MISSED, secrets.token_bytes(ID_BYTES))
                await self._read_on()
                pause = 0.05
            except AWAY as error:
                log.debug("the server of the bus is away: %s", error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, 1.0)

    async def _has_lost_its_place(self) -> bool:
        """Whether unread messages may be gone whose senders did not wait for this process."""
        if time.monotonic() - self._beat_at < LIVES_SECONDS:
            return False
        place = self._read_to.get(SENT, "")
        if place == NOTHING:
            return int(await self._client.xlen(SENT)) >= MOST_SENT
        return not (place and await self._client.xrange(SENT, place, place))

    async def _read_on(self) -> None:
        await self._beat()
        read = await self._client.xread(dict(self._read_to), count=_AT_ONCE, block=BEAT_MS)
        for stream, messages in read:
            for position, fields in messages:
                self._read_to[stream.decode()] = position.decode()
                task = asyncio.create_task(self._do(fields))
                self._doing.add(task)
                task.add_done_callback(self._doing.discard)

    async def _do(self, fields: dict[bytes, bytes]) -> None:
        answer = await self._listeners.handle(fields[b"topic"].decode(), fields[b"payload"])
        if answer is None or not fields[b"id"]:
            return
        key = _answers_key(fields[b"id"].decode())
        with contextlib.suppress(*AWAY):
            answers = self._client.pipeline(transaction=False)
            answers.rpush(key, self.name.encode() + b"\n" + answer)
            answers.expire(key, 10)
            await answers.execute()


def _answers_key(message_id: str) -> str:
    return "{tb:bus}:answers:" + message_id
