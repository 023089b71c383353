"""Makes printed text readable and harmless to the terminal.

Much of what commands and logs print comes from strangers: refused events, titles in a feed, addresses. A terminal obeys
control characters, which may clear the screen or fill the clipboard (CWE-150), and characters that change the direction
of writing make a line look like another one. Both are printed as JSON escapes.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TextIO, cast

# Line ends and tabs stand; so does a return that a line begins with, for progress, and the colours of our own words.
_ORDERS = re.compile(
    "\x1b\\[(?:0|3[0-7])m|(?!\\A)\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)


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


def readable(text: str) -> str:
    """The text with orders to a terminal written out."""
    return _ORDERS.sub(lambda found: found[0] if len(found[0]) > 1 else f"\\u{ord(found[0]):04x}", text)
