"""Options that several commands share, made from the rows of `settings.py`: a flag, its environment variable and its
help come from one row."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeVar, get_type_hints

import click
import msgspec
import orjson

from proxy.environment import PREFIX, as_written, from_environment, read_environment
from proxy.errors import OperatorError
from proxy.settings import Settings, rows

Command = TypeVar("Command", bound=Callable[..., Any])


def moment(text: str) -> datetime:
    """A type of options: a day or a minute, without a time zone unless it says one."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"`{text}` is not a time; write 2026-11-25, or 2026-11-25T08:00") from None


def time(text: str | float) -> float:
    """A type of options: a moment, UTC unless it says otherwise, as Unix seconds. A default is one already."""
    return text if isinstance(text, float) else seconds(moment(text), UTC)


def seconds(moment: datetime, zone: tzinfo) -> float:
    """Unix seconds of a moment, which is in `zone` unless it says otherwise."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


class Subcommands(click.Group):
    """Commands with commands below them, whose help tells the first sentence of each whole."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, _sentence(command.help or "")) for name, command in sorted(self.commands.items())]
            )


def _sentence(help: str) -> str:
    return " ".join(help.split("\n\n")[0].split()).partition(". ")[0].removesuffix(".")


def form_option(help: str | None = None) -> Callable[[Command], Command]:
    """Adds `--format`, which is text or json."""
    return click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help=help)


def as_json(value: object) -> str:
    """The value as JSON for people too: indented, with its letters as they are."""
    return orjson.dumps(value, default=msgspec.to_builtins, option=orjson.OPT_INDENT_2).decode()


def setting_options(*names: str) -> Callable[[Command], Command]:
    """Adds `--name` for each named setting. A flag not given is None, so that the environment or the default holds."""
    kinds = get_type_hints(Settings)
    chosen = [row for row in rows() if row.name in names]

    def add(command: Command) -> Command:
        for row in reversed(chosen):
            is_list = kinds[row.name] == tuple[str, ...]
            kind = str if is_list else kinds[row.name]
            unit = f" [{row.metadata['unit']}]" if row.metadata["unit"] else ""
            default = as_written(row.default) or "none"
            text = f"{row.metadata['help']}{unit}  (default: {default}; {PREFIX}{row.name.upper()})"
            flag = "--" + row.name.replace("_", "-")
            command = click.option(flag, row.name, type=kind, default=None, multiple=is_list, help=text)(command)
        return command

    return add


def settings_now(**flags: Any) -> Settings:
    """The settings of the environment, overridden by the flags that were given. Raises `OperatorError`."""
    return from_environment(os.environ, **_given(flags))


def read_settings(**flags: Any) -> tuple[Settings, list[OperatorError]]:
    """The same, with all mistakes (`environment.read_environment`)."""
    return read_environment(os.environ, **_given(flags))


def _given(flags: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flags.items() if value not in (None, ())}
