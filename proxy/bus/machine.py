"""The bus between the worker processes of one machine: each listens on its own Unix socket in a shared folder. The
folder lists the workers, so no process has to be in the middle.

A worker that was killed leaves its socket behind; connections to it are refused, and then it is deleted. A socket gets
its final name only once it listens, so that a starting worker is never taken for a dead one. Other programs clean
temporary folders: a worker whose socket is gone creates the folder and the socket again.
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
"""After the folder was deleted, other workers have this long to come back before they count as gone."""
_LENGTH_BYTES = 4
_ENDING = ".sock"
_Message = TypeVar("_Message", "Frame", "Reply")


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """A message. If `is_answered`, the receiver sends a `Reply`."""

    topic: str
    payload: bytes
    is_answered: bool


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """The answer to a message; None if the handler failed."""

    answer: bytes | None


class MachineBus:
    """A `Bus` between the processes that share `folder`."""

    def __init__(self, folder: Path) -> None:
        self.name = name_of_process()
        self.is_alone = False
        self._folder = folder
        self._path = folder / f"{self.name}{_ENDING}"
        self._listeners = Listeners()
        self._server: asyncio.Server | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._known: frozenset[str] = frozenset()  # the other workers at the last look
        self._back_by = 0.0
        self._links: dict[Path, asyncio.StreamWriter] = {}
        self._serving: set[asyncio.Task[None]] = set()

    def listen(self, topic: str, on_message: OnMessage) -> None:
        self._listeners.listen(topic, on_message)

    async def open(self) -> None:
        await self._appear()
        self._keeping = asyncio.create_task(self._keep())

    async def _appear(self) -> None:
        _make_private(self._folder)
        starting = self._path.with_suffix(".new")
        self._server = await asyncio.start_unix_server(self._accept, starting)
        starting.rename(self._path)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not self._path.exists():
                log.warning("`%s` was deleted, and is created again", self._path)
                self._back_by = loop.time() + BACK_SECONDS
                try:
                    if self._server is not None:
                        self._server.close()
                    await self._appear()
                except (OSError, OperatorError) as error:
                    log.error("workers cannot reach each other: %s", error)
            elif loop.time() > self._back_by:
                self._known = frozenset(peer.stem for peer in self._peers())

    async def request(self, topic: str, payload: bytes = b"") -> Replies:
        peers, frame = self._peers(), Frame(topic, payload, is_answered=True)
        others = asyncio.gather(*(_request(peer, frame) for peer in peers))
        own, replies = await asyncio.gather(self._listeners.reply(self.name, topic, payload), others)
        received = {peer.stem: reply for peer, reply in zip(peers, replies, strict=True) if reply is not None}
        answers = {name: reply.answer for name, reply in received.items() if reply.answer is not None}
        return Replies(frozenset({self.name, *received, *self._missing()}), {**own, **answers})

    async def publish(self, topic: str, payload: bytes = b"") -> None:
        frame = _framed(Frame(topic, payload, is_answered=False))
        sending = (self._send(peer, frame) for peer in self._peers())
        await asyncio.gather(self._listeners.handle(topic, payload), *sending)

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

    def _missing(self) -> frozenset[str]:
        """The workers that were there before the folder was deleted, and may not be back yet."""
        is_back = self._path.exists() and asyncio.get_running_loop().time() > self._back_by
        return frozenset() if is_back or self._server is None else self._known

    def _peers(self) -> list[Path]:
        return [path for path in self._folder.glob(f"*{_ENDING}") if path != self._path]

    async def _send(self, peer: Path, frame: bytes) -> None:
        """Sends over a connection that stays open: profiles change a thousand times a second."""
        writer = self._links.get(peer)
        if writer is None or writer.is_closing():
            try:
                _, writer = await asyncio.open_unix_connection(peer)
            except OSError:
                _delete(peer)
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


async def _request(peer: Path, frame: Frame) -> Reply | None:
    """The worker's reply; None if it is dead. A worker that does not answer in time is alive, and has not handled the
    message."""
    try:
        reader, writer = await asyncio.open_unix_connection(peer)
    except OSError:
        _delete(peer)
        return None
    try:
        async with asyncio.timeout(REPLY_SECONDS):
            writer.write(_framed(frame))
            return await _read(reader, Reply)
    except TimeoutError:
        return Reply(None)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None  # it ended meanwhile
    finally:
        writer.close()


def _make_private(folder: Path) -> None:
    """Creates the folder unless it exists. Raises `OperatorError` for one that other users may write to: they could
    give commands."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise OperatorError(f"`{folder}` is not ours alone", help="remove it: it is created again")


def _delete(dead: Path) -> None:
    dead.unlink(missing_ok=True)


def _framed(message: Frame | Reply) -> bytes:
    data = msgspec.msgpack.encode(message)
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


async def _read(reader: asyncio.StreamReader, kind: type[_Message]) -> _Message:
    size = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
    return msgspec.msgpack.decode(await reader.readexactly(size), type=kind)
