"""Flags are made from the settings' rows, and only those given count."""

from __future__ import annotations

from typing import Any

import click
from click.testing import CliRunner

from proxy.cli.options import Subcommands, given, setting_options


def flags_of(*arguments: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    @click.command()
    @setting_options("origin", "port", "keep_host")
    def command(**flags: Any) -> None:
        seen.update(given(**flags))

    result = CliRunner().invoke(command, list(arguments))
    assert result.exit_code == 0, result.output
    return seen


def test_what_is_not_given_is_left_to_the_environment() -> None:
    assert flags_of() == {}


def test_lists_and_numbers_have_their_types() -> None:
    given = flags_of("--origin", "http://a", "--origin", "/api=http://b", "--port", "9000", "--keep-host", "false")
    assert given == {"origin": ("http://a", "/api=http://b"), "port": 9000, "keep_host": False}


def test_a_switch_shows_its_default_as_one_would_write_it() -> None:
    @click.command()
    @setting_options("keep_host")
    def command(**flags: Any) -> None: ...

    assert "(default: false; TAILORBIRD_KEEP_HOST)" in " ".join(CliRunner().invoke(command, ["--help"]).output.split())


def test_the_help_of_commands_below_others_is_told_whole() -> None:
    @click.group(cls=Subcommands)
    def commands() -> None: ...

    @commands.command("one")
    def one() -> None:
        """What takes more than one line to be said of it, because there is a great deal, all of which counts, and so
        is to be read. The rest is for its own help."""

    told = " ".join(CliRunner().invoke(commands, ["--help"]).output.split())
    assert told.endswith("because there is a great deal, all of which counts, and so is to be read")
