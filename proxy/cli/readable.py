"""The streams that commands print to, on which all is readable and harmless to the terminal (`proxy/terminal.py`)."""

from __future__ import annotations

import os
import sys
from typing import TextIO, cast

from proxy.terminal import readable


class _Readable:
    """All else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(readable(text) if isinstance(text, str) else text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def open_closed() -> None:
    """Opens those of standard input, output and error that whoever started us has closed, on nowhere. Else the first
    sockets and files got their numbers, and what is printed would go there."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere == number:
                os.set_inheritable(nowhere, True)  # for the processes we start, too
                setattr(sys, name, open(nowhere, "w" if number else "r", closefd=False))  # noqa: SIM115  # for good


def made_readable(stream: TextIO) -> TextIO:
    """The stream, to which anything may be written."""
    return cast("TextIO", _Readable(stream))
