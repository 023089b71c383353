"""The command `tailorbird`: a table of commands, with a file for each. A file is imported only when its command runs,
so that `--help` and completion stay quick."""

from __future__ import annotations

import importlib
import sys
from contextlib import redirect_stderr, redirect_stdout
from keyword import iskeyword
from typing import Any, NamedTuple

import click

from proxy.cli.readable import made_readable, open_closed
from proxy.diagnostics import did_you_mean
from proxy.errors import OperatorErrors, StoreError, TailorbirdError


class Row(NamedTuple):
    """A command: its name, which is that of the module that holds it as `command`, and its line of help."""

    name: str
    help: str


COMMANDS = (
    Row("demo", "the demo shop behind Tailorbird, with links to open"),
    Row("serve", "put Tailorbird in front of a shop"),
    Row("shop", "the demo shop alone, as an origin to try things on"),
    Row("check", "check a rule folder: all problems at once, with place and help"),
    Row("test", "run the tests that stand in rule files"),
    Row("why", "what a visitor is shown on a page, and why, rule by rule"),
    Row("plan", "what a draft changes, and who would see something different"),
    Row("replay", "replay recorded page views with a draft, and say which would differ"),
    Row("publish", "make a draft the live version"),
    Row("approve", "approve a version that somebody else asked to publish"),
    Row("history", "who published, paused and rolled back what, and when"),
    Row("diff", "what differs between two versions, in meaning and in text"),
    Row("rollback", "make an earlier version live again"),
    Row("pause", "switch a rule, a slot or everything off at once"),
    Row("resume", "let what is paused go on"),
    Row("preview", "a signed link that shows a draft as somebody, on the real site"),
    Row("rules", "rule files as JSON, conditions as trees of operators"),
    Row("explain", "what a finding's code means, with a right and a wrong example"),
    Row("import", "import profiles, segments, products, orders or events, with a report of what was refused"),
    Row("catalogue", "check product feeds: what is wrong, and where each fact comes from"),
    Row("results", "results of experiments and rules: what each group did, and how sure the difference is"),
    Row("segments", "sizes of segments, how they overlap, what sets them apart"),
    Row("webhooks", "webhooks that are told who enters or leaves a segment, and what is queued"),
    Row("identity", "which devices belong to which person; undo a wrong join"),
    Row("export", "all that is kept of a visitor, as JSON"),
    Row("erase", "delete all that is kept of a visitor, with a receipt"),
    Row("expire", "delete what is older than a number of days"),
    Row("affinity", "product affinity: build it, evaluate it on past visits, ask what goes with a product"),
    Row("events", "export events, list refused ones, rebuild profiles from the log"),
    Row("store", "copy all of a store into another"),
    Row("sign", "print the signed cookies of a visitor"),
    Row("doctor", "diagnose a page of your shop, and say what to mend"),
    Row("schema", "JSON Schema of rule files, for editors' completion"),
    Row("docs", "write the reference pages that are generated from the tables"),
)


class Commands(click.Group):
    """Looks commands up in `COMMANDS`; tells our own errors, and what the system refuses, in a line instead of a
    traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [row.name for row in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.list_commands(ctx):
            module = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
            command: click.Command = importlib.import_module(f"proxy.cli.{module}").command
            return command
        if not ctx.resilient_parsing:
            ctx.fail(f"there is no command `{cmd_name}`; {did_you_mean(cmd_name, self.list_commands(ctx))}")
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(row.name, row.help) for row in COMMANDS])

    def main(self, *args: Any, **more: Any) -> Any:
        open_closed()
        with redirect_stdout(made_readable(sys.stdout)), redirect_stderr(made_readable(sys.stderr)):
            return super().main(*args, **more)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except TailorbirdError as error:
            if isinstance(error, StoreError):
                error.help = error.help or "is it up, and is its address right, in --store or TAILORBIRD_STORE?"
            for one in error.errors if isinstance(error, OperatorErrors) else [error]:
                click.echo(f"tailorbird: {one}", err=True)
            sys.exit(1)
        except BrokenPipeError:  # click ends quietly: whoever read has seen enough
            raise
        except OSError as error:
            click.echo(
                f"tailorbird: `{error.filename}`: {error.strerror}" if error.filename else f"tailorbird: {error}",
                err=True,
            )
            sys.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="tailorbird", prog_name="tailorbird")
def tailorbird() -> None:
    """Each visitor sees what fits them, from pages cached once for everybody."""
