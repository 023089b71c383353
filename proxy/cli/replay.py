"""`tailorbird replay [FILE]`: decides recorded page views again, and reports which of them would show something
else."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from proxy.cli.existing_store import recorded_views
from proxy.cli.options import as_json, form_option, settings_now
from proxy.cli.rulefolder import A_FILE, CATALOGUE, MOST_VIEWS, good, read_rules, rules_option, store_option
from proxy.drafts.replay import replay_recorded
from proxy.drafts.report import replay_text
from proxy.errors import OperatorError
from proxy.model import View
from proxy.stores.views import packed, unpacked


@click.command("replay")
@click.argument("file", required=False, type=A_FILE)
@rules_option()
@store_option("where views are recorded  (TAILORBIRD_STORE)")
@CATALOGUE
@click.option(
    "--views",
    "most",
    type=click.IntRange(1),
    default=MOST_VIEWS,
    help=f"how many, the last ones  (default: {MOST_VIEWS:,})",
)
@click.option("--save", type=click.Path(dir_okay=False, path_type=Path), help="only write the views to this file")
@form_option()
def command(
    file: Path | None, rules: Path, catalogue: Path | None, store: str | None, most: int, save: Path | None, form: str
) -> None:
    """Decide recorded page views again by the rules of a folder, and list what would differ from what they showed.

    FILE has a view in each line, as JSON, as `--save` writes it; without FILE they come from the store. Exit code 1
    when anything differs.
    """
    url = settings_now(store=store).store
    views = (list(views_in(file)) if file else asyncio.run(recorded_views(url, most)))[-most:]
    if save:
        save.write_bytes(b"".join(packed(view) + b"\n" for view in views))
        click.echo(f"{len(views):,} views written to {save}")
        return
    replayed = replay_recorded(views, good(read_rules(rules, catalogue, store)))
    click.echo(as_json(replayed) if form == "json" else replay_text(replayed, str(rules)))
    sys.exit(bool(replayed.different))


def views_in(file: Path) -> Iterator[View]:
    """The views of a file. Raises `OperatorError` for a line that is none."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            view = unpacked(line)
            if view is None:
                raise OperatorError(
                    f"line {number} of `{file}` is no recorded view",
                    help="write one with `tailorbird replay --save FILE`",
                )
            yield view
