"""The bus of the worker processes of one machine: each listens on a Unix socket of its own in a folder they share, so
that who is there is what the folder lists, and nobody has to be in the middle.

A worker that was killed leaves its socket behind; the kernel refuses connections to it, upon which it is swept away.
A socket gets its name only once it listens, so that a worker that is just starting is never taken for a dead one.
Temporary folders are cleaned by programs that know nothing of us: who misses its socket there makes both anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import stat
from pathlib import Path
from typing import TypeVar

import msgspec

from proxy.bus.listeners import REPLY_SECONDS, Listeners, name_of_process
from proxy.errors import OperatorError
from proxy.ports import OnMessage, Replies

log = logging.getLogger("tailorbird.bus")

LOOK_SECONDS = 1.0
BACK_SECONDS = 3.0
"""So long others have to come back, too, before they count as gone."""
_LENGTH_BYTES = 4
_ENDING = ".sock"
_Message = TypeVar("_Message", "Frame", "Reply")


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """A message on its way. One that `is_answered` has a `Reply` for an answer."""

    topic: str
    payload: bytes
    is_answered: bool


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """`answer` is None when the listener failed."""

    answer: bytes | None


class MachineBus:
    """A `Bus` among the processes that share `folder`."""

    def __init__(self, folder: Path) -> None:
        self.name = name_of_process()
        self.is_alone = False
        self._folder = folder
        self._path = folder / f"{self.name}{_ENDING}"
        self._listeners = Listeners()
        self._server: asyncio.Server | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._known: frozenset[str] = frozenset()  # who was there at the last look
        self._back_by = 0.0
        self._links: dict[Path, asyncio.StreamWriter] = {}
        self._serving: set[asyncio.Task[None]] = set()

    def listen(self, topic: str, on_message: OnMessage) -> None:
        self._listeners.listen(topic, on_message)

    async def open(self) -> None:
        await self._appear()
        self._keeping = asyncio.create_task(self._keep())

    async def _appear(self) -> None:
        _make_ours(self._folder)
        starting = self._path.with_suffix(".new")
        self._server = await asyncio.start_unix_server(self._accept, starting)
        starting.rename(self._path)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not self._path.exists():
                log.warning("`%s` was cleaned away, and is made anew", self._path)
                self._back_by = loop.time() + BACK_SECONDS
                try:
                    if self._server is not None:
                        self._server.close()
                    await self._appear()
                except (OSError, OperatorError) as error:
                    log.error("workers do not hear of each other: %s", error)
            elif loop.time() > self._back_by:
                self._known = frozenset(peer.stem for peer in self._peers())

    async def send(self, topic: str, payload: bytes = b"") -> Replies:
        peers, frame = self._peers(), Frame(topic, payload, is_answered=True)
        asked = asyncio.gather(*(_ask(peer, frame) for peer in peers))
        ours, replies = await asyncio.gather(self._listeners.reply(self.name, topic, payload), asked)
        said = {peer.stem: reply for peer, reply in zip(peers, replies, strict=True) if reply is not None}
        theirs = {name: reply.answer for name, reply in said.items() if reply.answer is not None}
        return Replies(frozenset({self.name, *said, *self._missed()}), {**ours, **theirs})

    async def tell(self, topic: str, payload: bytes = b"") -> None:
        frame = _framed(Frame(topic, payload, is_answered=False))
        passed = (self._pass(peer, frame) for peer in self._peers())
        await asyncio.gather(self._listeners.handle(topic, payload), *passed)

    async def aclose(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        self._path.unlink(missing_ok=True)
        if self._server is not None:
            self._server.close()
        for writer in self._links.values():
            writer.close()
        self._links.clear()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _missed(self) -> frozenset[str]:
        """Who was there before the folder was cleaned away, and may not be back yet."""
        is_back = self._path.exists() and asyncio.get_running_loop().time() > self._back_by
        return frozenset() if is_back or self._server is None else self._known

    def _peers(self) -> list[Path]:
        return [path for path in self._folder.glob(f"*{_ENDING}") if path != self._path]

    async def _pass(self, peer: Path, frame: bytes) -> None:
        """On a connection that stays: a profile that changed is told a thousand times a second."""
        writer = self._links.get(peer)
        if writer is None or writer.is_closing():
            try:
                _, writer = await asyncio.open_unix_connection(peer)
            except OSError:
                _sweep(peer)
                self._links.pop(peer, None)
                return
            self._links[peer] = writer
        writer.write(frame)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        over = asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError  # the last by `aclose` alone
        with contextlib.closing(writer), contextlib.suppress(*over):
            while True:
                frame = await _read(reader, Frame)
                answer = await self._listeners.handle(frame.topic, frame.payload)
                if frame.is_answered:
                    writer.write(_framed(Reply(answer)))
                    await writer.drain()


async def _ask(peer: Path, frame: Frame) -> Reply | None:
    """The worker's reply; None when it is dead. One that does not answer in time is alive, and has not handled the
    message."""
    try:
        reader, writer = await asyncio.open_unix_connection(peer)
    except OSError:
        _sweep(peer)
        return None
    try:
        async with asyncio.timeout(REPLY_SECONDS):
            writer.write(_framed(frame))
            return await _read(reader, Reply)
    except TimeoutError:
        return Reply(None)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None  # it ended while we asked
    finally:
        writer.close()


def _make_ours(folder: Path) -> None:
    """Makes the folder unless it is there. Raises `OperatorError` for one that others may write into: what is said
    there is obeyed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise OperatorError(f"`{folder}` is not ours alone", help="remove it: it is made anew")


def _sweep(dead: Path) -> None:
    dead.unlink(missing_ok=True)


def _framed(message: Frame | Reply) -> bytes:
    data = msgspec.msgpack.encode(message)
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


async def _read(reader: asyncio.StreamReader, kind: type[_Message]) -> _Message:
    size = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
    return msgspec.msgpack.decode(await reader.readexactly(size), type=kind)
