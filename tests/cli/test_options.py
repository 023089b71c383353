"""Flags are made from the settings' rows, and only those given count."""

from __future__ import annotations

from typing import Any

import click
from click.testing import CliRunner

from proxy.cli.options import Subcommands, setting_options, settings_now
from proxy.settings import Settings


def settings_by(*arguments: str) -> Settings:
    seen: list[Settings] = []

    @click.command()
    @setting_options("origin", "port", "keep_host")
    def command(**flags: Any) -> None:
        seen.append(settings_now(**flags))

    environment = {"TAILORBIRD_ORIGIN": "http://elsewhere", "TAILORBIRD_PORT": "7000"}
    result = CliRunner().invoke(command, list(arguments), env=environment)
    assert result.exit_code == 0, result.output
    return seen[0]


def test_what_is_not_given_is_left_to_the_environment() -> None:
    settings = settings_by()
    assert (settings.origin, settings.port) == (("http://elsewhere",), 7000)


def test_lists_and_numbers_have_their_types() -> None:
    settings = settings_by(
        "--origin", "http://a", "--origin", "/api=http://b", "--port", "9000", "--keep-host", "false"
    )
    assert settings.origin == ("http://a", "/api=http://b")
    assert (settings.port, settings.keep_host) == (9000, False)


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
