"""What strangers wrote is printed without doing anything to a terminal."""

from __future__ import annotations

import asyncio
import io
import logging
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from proxy.cli import Commands, tailorbird
from proxy.cli.readable import made_readable
from proxy.ports import Refused
from proxy.stores import open_store
from proxy.terminal import readable

ORDER = "\x1b]52;c;cm0gLXJm\x07"


@pytest.mark.parametrize("closed", ["<&- 2>&-", ">&-", "<&- >&- 2>&-"])
def test_what_was_closed_at_the_start_is_nowhere_and_no_file_has_its_number(closed: str) -> None:
    script = """
import os, socket, subprocess, sys
from proxy.cli import tailorbird
tailorbird(["--version"], standalone_mode=False)
assert socket.socket().fileno() > 2
assert subprocess.call([sys.executable, "-c", "import os; [os.fstat(number) for number in (0, 1, 2)]"]) == 0
os._exit(7)
"""
    done = subprocess.run(["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, script], check=False)
    assert done.returncode == 7


def test_a_stream_is_as_it_was_but_for_that() -> None:
    bytes_ = io.BytesIO()
    stream = made_readable(io.TextIOWrapper(bytes_, "utf-8"))
    click.echo(ORDER, file=stream)
    click.echo(b"\x1b", file=stream, nl=False)
    assert not stream.isatty()
    assert bytes_.getvalue() == readable(ORDER).encode() + b"\n\x1b", "bytes are for programs"


async def test_commands_and_their_logs_tell_so_of_what_was_sent(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/s.db"
    store = open_store(url)
    await store.refuse([Refused(1_795_435_200.0, "web", "type", ORDER.encode())])
    await store.aclose()
    result = await asyncio.to_thread(CliRunner().invoke, tailorbird, ["events", "rejected", "--store", url])
    assert readable(ORDER) in result.output and "\x1b" not in result.output


def test_what_a_command_logs_is_readable_too() -> None:
    def loud() -> None:
        logging.StreamHandler().handle(logging.makeLogRecord({"msg": ORDER}))
        sys.stdout.write(ORDER)

    result = CliRunner().invoke(Commands(callback=loud, invoke_without_command=True), [])
    assert result.output.count(readable(ORDER)) == 2 and "\x1b" not in result.output
