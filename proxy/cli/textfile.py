"""Reads a text file of another system line by line: gzipped or not, UTF-8 or else Latin-1, each line in bounded memory.
Oddities are reported at the end, with the line where each first occurred; an unreadable file is an `OperatorError`."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from proxy.errors import OperatorError

MAX_LINE_BYTES = 1 << 20


class TextFile:
    """The file at `path`. `notes` are what was odd in it, once it has been read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._foreign: list[int] = []
        self._long: list[int] = []

    def __iter__(self) -> Iterator[str]:
        with self._path.open("rb") as file:
            is_packed = file.peek(2)[:2] == b"\x1f\x8b"
            try:
                yield from self._lines(gzip.GzipFile(fileobj=file) if is_packed else file)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                what = f"`{self._path}` is packed by gzip, and broken: {error}"
                raise OperatorError(what, help="pack it again, or name the file unpacked") from error

    def _lines(self, file: IO[bytes] | gzip.GzipFile) -> Iterator[str]:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if b"\0" in line:
                what = f"`{self._path}` is no text: there is a zero byte on line {number}"
                raise OperatorError(what, help="save a spreadsheet as CSV in UTF-8; Parquet is for `affinity build`")
            if len(line) > MAX_LINE_BYTES:
                self._long.append(number)
                while line and not line.endswith(b"\n"):
                    line = file.readline(MAX_LINE_BYTES)
                continue
            yield self._decoded(line, number)

    def _decoded(self, line: bytes, number: int) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError:
            self._foreign.append(number)
            return line.decode("latin-1")

    @property
    def notes(self) -> Iterator[str]:
        """What was odd, each with its first line and a help."""
        for found, what, help in (
            (self._foreign, "not UTF-8, and read as Latin-1", "save the file as UTF-8"),
            (self._long, f"longer than {MAX_LINE_BYTES:,} bytes, and left out", "write one visit or basket a line"),
        ):
            if found:
                count = "1 line is" if len(found) == 1 else f"{len(found):,} lines, from here on, are"
                yield f"{self._path}:{found[0]}: {count} {what}\n  = help: {help}"
