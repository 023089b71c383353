"""A cluster of Redis or Valkey servers, used as one client.

The node of a key is calculated here, and each node has its own connections: a node that hangs affects only its own
keys. A pipeline's commands go to all nodes at the same time, and the replies come back in order. Keys may move to
another node at any time: a command goes after them, to where the reply says, and the map is read again. It was not
done, so that is safe; what a node did not answer is never retried here, and writes may be sent again by the caller.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeout

SLOTS = 16_384
STEPS, STEP_SECONDS = 8, 0.01
"""How often a command goes after its keys. What needs several waits until all have moved, first so long, then twice as
long each time: 1.3 s in all, more than a slot takes."""
DOUBT_SECONDS = 0.1
"""How often the map may be asked for."""
AWAY = (RedisError, OSError, RuntimeError)
"""What says that a server is away: uvloop's RuntimeError, too, where a connection broke as it was made."""
ELSEWHERE = (
    *(RedisConnectionError, RedisTimeout, OSError, RuntimeError),
    *(AskError, ClusterDownError, MasterDownError, ReadOnlyError, TryAgainError),
)
"""What a server says, or does not, whose keys are with another now."""

Place = tuple[str, int]


class Map:
    """Which node serves which of the 16,384 slots. `client` makes a client for a node, which connects on first use."""

    def __init__(self, seeds: Sequence[Place], client: Callable[[str, int], Any]) -> None:
        self._seeds = seeds
        self._client = client
        self._clients: dict[Place, Any] = {}
        self._slots: list[Place] = []
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    def known_place(self, key: str) -> Place | None:
        """The node of a key by the present map."""
        return self._slots[key_slot(key.encode())] if self._slots else None

    async def at(self, key: str) -> Any:
        """The client of the node that has a key."""
        await self._known()
        return self.at_place(self._slots[key_slot(key.encode())])

    async def masters(self) -> list[Any]:
        """The clients of all nodes that have keys of their own."""
        await self._known()
        return [self.at_place(place) for place in dict.fromkeys(self._slots)]

    def at_place(self, place: Place) -> Any:
        """The client of a node."""
        if place not in self._clients:
            self._clients[place] = self._client(*place)
        return self._clients[place]

    def doubt(self, error: object) -> None:
        """Reads the map again in the background, if the error shows that a key or node has moved."""
        is_asking = self._asking is not None and not self._asking.done()
        if isinstance(error, ELSEWHERE) and not is_asking and time.monotonic() - self._asked_at > DOUBT_SECONDS:
            self._asking = asyncio.create_task(self._ask())

    async def aclose(self) -> None:
        """Closes all connections."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        for client in self._clients.values():
            await client.aclose()

    async def _known(self) -> None:
        if not self._slots:
            await self._ask()
        if not self._slots:
            raise RedisConnectionError("no node of the cluster says where its keys lie")

    async def _ask(self) -> None:
        """Asks all known nodes at the same time, and takes the first answer that covers the whole cluster."""
        self._asked_at = time.monotonic()
        places = dict.fromkeys([*self._clients, *self._seeds])
        asked = [asyncio.ensure_future(self._asked(self.at_place(place))) for place in places]
        try:
            for answer in asyncio.as_completed(asked):
                slots = await answer
                if len(slots) == SLOTS:
                    self._slots = slots
                    return
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def _asked(self, client: Any) -> list[Place]:
        """The node of each slot, as one node tells it; empty when it does not answer or does not see the whole
        cluster."""
        try:
            info = await client.execute_command("CLUSTER INFO")
            told = await client.execute_command("CLUSTER SLOTS")
        except AWAY:
            return []
        if str(info.get("cluster_state")) != "ok":
            return []
        slots: list[Place | None] = [None] * SLOTS
        for first, last, (host, port, *_), *_ in told:
            slots[first : last + 1] = [(host.decode(), port)] * (last + 1 - first)
        return [place for place in slots if place is not None]


class ClusterClient:
    """A client for a whole cluster, with the commands that the store needs: each goes to the node of its key, `eval` to
    that of its first key."""

    def __init__(self, map: Map) -> None:
        self._map = map

    def __getattr__(self, command: str) -> Callable[..., Any]:
        async def done(*args: Any, **more: Any) -> Any:
            pipeline = self.pipeline()
            getattr(pipeline, command)(*args, **more)
            (answer,) = await pipeline.execute()
            return answer

        return done

    def known_place(self, key: str) -> Place | None:
        """As the map's."""
        return self._map.known_place(key)

    def pipeline(self, transaction: bool = False) -> ClusterPipeline:
        """Collects commands for several nodes."""
        return ClusterPipeline(self._map)

    async def dbsize(self) -> int:
        """Keys in all nodes."""
        try:
            return sum(await asyncio.gather(*(client.dbsize() for client in await self._map.masters())))
        except AWAY as error:
            self._map.doubt(error)
            raise

    async def scan_iter(self, match: str, count: int) -> AsyncIterator[bytes]:
        """The keys of all nodes that match."""
        for client in await self._map.masters():
            async for key in client.scan_iter(match, count=count):
                yield key

    async def hscan_iter(self, key: str, count: int) -> AsyncIterator[tuple[bytes, bytes]]:
        """The fields of a hash, and their values."""
        client = await self._map.at(key)
        async for field in client.hscan_iter(key, count=count):
            yield field

    async def clients_of(self, keys: Sequence[str]) -> list[tuple[Any, str]]:
        """The clients of the nodes where these keys lie, each with one of them."""
        return list({id(client): (client, key) for key in keys for client in [await self._map.at(key)]}.values())

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._map.aclose()


class ClusterPipeline:
    """A pipeline over several nodes; replies come in the order of the commands."""

    def __init__(self, map: Map) -> None:
        self._map = map
        self._commands: list[Command] = []

    def __len__(self) -> int:
        return len(self._commands)

    def __getattr__(self, command: str) -> Callable[..., ClusterPipeline]:
        def given(*args: Any, **more: Any) -> ClusterPipeline:
            self._commands.append((command, args, more))
            return self

        return given

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """The replies, with an exception in the place of each that failed, or raised."""
        commands, self._commands = self._commands, []
        try:
            masters = await self._map.masters()
        except AWAY as error:
            self._map.doubt(error)
            raise
        ways: dict[int, Way] = {}
        for number, (command, args, _) in enumerate(commands):
            client = await self._map.at(_key(command, args)) if args else masters[number % len(masters)]
            ways[number] = Way(client)
        answers = await _sent(commands, ways)
        for step in range(STEPS):
            ways = {number: way for number, one in ways.items() if (way := self._onward(one, answers[number]))}
            if not ways:
                break
            if any(isinstance(answers[number], TryAgainError) for number in ways):
                await asyncio.sleep(STEP_SECONDS * 2**step)
            answers |= await _sent(commands, ways)
        if raise_on_error and (failed := [one for one in answers.values() if isinstance(one, Exception)]):
            raise failed[0]
        return [answers[number] for number in range(len(commands))]

    def _onward(self, way: Way, answer: Any) -> Way | None:
        """Where a command goes after this reply; None when that is its last."""
        self._map.doubt(answer)
        if isinstance(answer, TryAgainError):
            return way
        if isinstance(answer, AskError) and answer.host:  # also `MovedError`
            return Way(self._map.at_place((answer.host, answer.port)), not isinstance(answer, MovedError))
        return None


Command = tuple[str, tuple[Any, ...], dict[str, Any]]


class Way(NamedTuple):
    """The node a command goes to; `is_asking` where its keys are just arriving there."""

    client: Any
    is_asking: bool = False


async def _sent(commands: Sequence[Command], ways: Mapping[int, Way]) -> dict[int, Any]:
    """The reply to each command that has a way, or the exception; all nodes are asked at the same time."""
    at_nodes: dict[int, tuple[Any, list[int]]] = {}
    for number, way in ways.items():
        at_nodes.setdefault(id(way.client), (way.client, []))[1].append(number)
    answers: dict[int, Any] = {}

    async def at_node(client: Any, numbers: list[int]) -> None:
        pipeline, awaited = client.pipeline(transaction=False), list[int | None]()
        for number in numbers:
            command, args, more = commands[number]
            if ways[number].is_asking:
                pipeline.execute_command("ASKING")
                awaited.append(None)
            getattr(pipeline, command)(*args, **more)
            awaited.append(number)
        try:
            found = await pipeline.execute(raise_on_error=False)
        except AWAY as error:
            found = [error] * len(awaited)
        answers.update((number, one) for number, one in zip(awaited, found, strict=True) if number is not None)

    await asyncio.gather(*(at_node(client, numbers) for client, numbers in at_nodes.values()))
    return answers


def _key(command: str, args: Sequence[Any]) -> str:
    key = args[2] if command in ("eval", "evalsha") else args[0]
    return key.decode() if isinstance(key, bytes) else str(key)
