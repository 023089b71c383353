"""What commands share: reading a rule folder with its catalogue, and the options that name them."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import click

from proxy import garbage
from proxy.catalogue.feeds import read_feed
from proxy.cli.existing_store import existing_store, recorded_views
from proxy.cli.options import Command
from proxy.diagnostics import mistakes_text, nearest
from proxy.model import Product
from proxy.rulebook.compile import Loaded, Publication, load
from proxy.rulebook.lints import Site
from proxy.stores import exists
from proxy.stores.ruledir import read_folder

MOST_VIEWS = 20_000
ALIKE = 0.8
"""How alike a misspelt segment is to the one that was meant; others are merely new."""


class RuleFolder(click.Path):
    """A rule folder that is there."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not Path(value).exists():
            self.fail(f"there is no rule folder `{value}`; name yours, here or in TAILORBIRD_RULES", param, ctx)
        return super().convert(value, param, ctx)


A_FOLDER = RuleFolder(exists=True, file_okay=False, path_type=Path)
A_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def folder_arguments(command: Command) -> Command:
    """Adds DIR, `--catalogue` and `--store`, the arguments of `read_rules`."""
    store = "a store whose imported attributes rules may ask about  (TAILORBIRD_STORE)"
    catalogue = "products as JSON lines  (default: products.jsonl in the folder; TAILORBIRD_CATALOGUE)"
    command = store_option(store)(command)
    command = click.option("--catalogue", envvar="TAILORBIRD_CATALOGUE", type=A_FILE, help=catalogue)(command)
    return folder_argument(command)


def folder_argument(command: Command) -> Command:
    """Adds DIR, for commands that are about a rule folder; and `--rules`, as all others name it, for the same."""
    command = click.argument("folder", metavar="[DIR]", type=A_FOLDER, default=_said_by_rules)(command)
    return click.option(
        "--rules",
        envvar="TAILORBIRD_RULES",
        metavar="DIRECTORY",
        help="the same as DIR",
        expose_value=False,
        is_eager=True,  # so that it is there when DIR is not
        callback=lambda context, _, said: context.meta.update({RULES: said}),
    )(command)


RULES = "tailorbird.rules"


def _said_by_rules() -> str:
    return click.get_current_context().meta[RULES] or "rules"


def rules_option(help: str = "the rule folder") -> Callable[[Command], Command]:
    """Adds `--rules`, for commands that are about something else."""
    return click.option("--rules", type=A_FOLDER, default="rules", envvar="TAILORBIRD_RULES", help=help)


CATALOGUE = click.option("--catalogue", envvar="TAILORBIRD_CATALOGUE", type=A_FILE, help="products as JSON lines")


def store_option(help: str = "where imported attributes are known") -> Callable[[Command], Command]:
    """Adds `--store`, for commands that go without one."""
    return click.option("--store", envvar="TAILORBIRD_STORE", metavar="URL", help=help)


def read_rules(folder: Path, catalogue: Path | None, store: str | None) -> Loaded:
    """The folder, checked and compiled. What is wrong in the catalogue goes to stderr."""
    return loaded_from(read_folder(folder), catalogue, store)


def loaded_from(
    files: Mapping[str, bytes], catalogue: Path | None, store: str | None, site: Site | None = None
) -> Loaded:
    """A rule folder's files, checked and compiled; with a `site`, warnings among the findings."""
    products = _products(catalogue) if catalogue else ()
    imported = asyncio.run(_imported(store)) if store else frozenset[str]()
    with garbage.collector_paused():
        return load(files, catalogue=products, imported=imported, site=site)


def good(loaded: Loaded, *, note: str = "") -> Publication:
    """The publication; ends the command with the findings, and the note, when there is none."""
    if loaded.publication is None:
        click.echo(mistakes_text(loaded.findings, loaded.sources), err=True)
        if note:
            click.echo(note, err=True)
        sys.exit(1)
    return loaded.publication


def no_such_segment(name: str, known: Sequence[str]) -> str:
    """What is told of a segment that other systems speak of and the folder's rule files, with those `known`, do not."""
    close = nearest(name, known, ALIKE)
    help = f"did you mean `{close}`?" if close else f"rules can ask it once `segments:` has `{name}: {{}}`"
    return f"no rule file names the segment `{name}`; {help}"


def site_now(store: str | None) -> Site:
    """The site at this moment, with the views that the store has of it."""
    views = asyncio.run(recorded_views(store, MOST_VIEWS)) if store and exists(store) else ()
    return Site(time.time(), views)


def _products(catalogue: Path) -> Sequence[Product]:
    read = read_feed(catalogue.read_bytes())
    for problem in read.problems:
        _say_once(f"{catalogue}: {problem}")
    return read.products


@cache
def _say_once(what: str) -> None:
    """Says it on stderr, however many states of a folder a command reads."""
    click.echo(what, err=True)


async def _imported(url: str) -> frozenset[str]:
    """What imports have brought; nothing, with a word on stderr, where none has been yet."""
    if not exists(url):
        _say_once(f"nothing has been imported into `{url}` yet")
        return frozenset()
    async with existing_store(url) as store:
        return await store.attribute_names()
