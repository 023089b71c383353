"""What strangers wrote does nothing to a terminal."""

from __future__ import annotations

import click
import pytest

from proxy.terminal import readable

ORDER = "\x1b]52;c;cm0gLXJm\x07"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\r\nänd more 🏔\n", "plain\ttext\r\nänd more 🏔\n"),
        ("\r12 visitors", "\r12 visitors"),
        ("no\rall fine", "no\\u000dall fine"),
        (ORDER, "\\u001b]52;c;cm0gLXJm\\u0007"),
        ("\x1b[2J\x1b[8mhidden\x9b2J\x7f", "\\u001b[2J\\u001b[8mhidden\\u009b2J\\u007f"),
        ("user\u202eniam\u2069", "user\\u202eniam\\u2069"),
        (click.style("bad", "red"), click.style("bad", "red")),
    ],
    ids=["text", "progress", "overwritten", "clipboard", "cleared", "turned", "our colours"],
)
def test_orders_to_a_terminal_are_written_out(text: str, shown: str) -> None:
    assert readable(text) == shown
