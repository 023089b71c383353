"""What commands share: a rule folder from disk, its catalogue, and a store to look into."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import click

from proxy import collector
from proxy.catalogue.feeds import read_feed
from proxy.errors import OperatorError
from proxy.model import Product, Sighting, View
from proxy.ports import Store
from proxy.rulebook.compile import Loaded, load
from proxy.rulebook.lints import Site
from proxy.stores import open_outbox, open_sightings, open_store, open_views
from proxy.stores.holdings import Places
from proxy.stores.ruledir import read_folder

Command = TypeVar("Command", bound=Callable[..., Any])
MOST_VIEWS = 20_000
AT_ONCE = 1_000
A_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
A_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def folder_arguments(command: Command) -> Command:
    """Adds DIR, `--catalogue` and `--store`, the arguments of `read_rules`."""
    store = "a store whose imported attributes rules may ask about  (TAILORBIRD_STORE)"
    catalogue = "products as JSON lines  (default: products.jsonl in the folder; TAILORBIRD_CATALOGUE)"
    command = click.option("--store", envvar="TAILORBIRD_STORE", metavar="URL", help=store)(command)
    command = click.option("--catalogue", envvar="TAILORBIRD_CATALOGUE", type=A_FILE, help=catalogue)(command)
    return folder_argument(command)


folder_argument = click.argument("folder", metavar="[DIR]", type=A_FOLDER, default="rules", envvar="TAILORBIRD_RULES")
"""DIR, for commands that are about a rule folder."""


def rules_option(help: str = "the rule folder") -> Callable[[Command], Command]:
    """Adds `--rules`, for commands that are about something else."""
    return click.option("--rules", type=A_FOLDER, default="rules", envvar="TAILORBIRD_RULES", help=help)


def read_rules(folder: Path, catalogue: Path | None, store: str | None) -> Loaded:
    """The folder, checked and compiled. What is wrong in the catalogue goes to stderr."""
    return loaded_from(read_folder(folder), catalogue, store)


def loaded_from(
    files: Mapping[str, bytes], catalogue: Path | None, store: str | None, site: Site | None = None
) -> Loaded:
    """A rule folder's files, checked and compiled; with a `site`, warnings among the findings."""
    products = _products(catalogue) if catalogue else ()
    imported = asyncio.run(_imported(store)) if store else frozenset[str]()
    with collector.at_rest():
        return load(files, catalogue=products, imported=imported, site=site)


def site_now(store: str | None) -> Site:
    """The site at this moment, with the views that the store has of it."""
    views = asyncio.run(recorded_views(store, MOST_VIEWS)) if store and _exists(store) else ()
    return Site(time.time(), views)


@asynccontextmanager
async def existing_store(url: str) -> AsyncIterator[Store]:
    """The store at `url`, for who only looks into it: one that is not there yet is not made. Raises `OperatorError`."""
    if not _exists(url):
        raise OperatorError(f"there is no store `{url}`", help="`tailorbird import profiles FILE` makes one")
    store = open_store(url)
    try:
        yield store
    finally:
        await store.aclose()


@asynccontextmanager
async def places_in(url: str) -> AsyncIterator[Places]:
    """The same, and what else is kept of visitors there."""
    async with existing_store(url) as store:
        views, outbox = open_views(url), open_outbox(url)
        try:
            yield Places(store, views, outbox)
        finally:
            await views.aclose()
            await outbox.aclose()


async def recorded_views(url: str, most: int) -> list[View]:
    """The last views recorded in the store at `url`, the oldest first. Raises `OperatorError`, `StoreError`."""
    if not _exists(url):
        raise OperatorError(f"there is no store `{url}`", help="views are recorded while `tailorbird serve` runs")
    log = open_views(url)
    try:
        return await log.get_views(most)
    finally:
        await log.aclose()


async def existing_sightings(url: str) -> list[Sighting]:
    """What pages told of products, as the store at `url` keeps it. Raises `OperatorError`, `StoreError`."""
    if not _exists(url):
        raise OperatorError(
            f"there is no store `{url}`", help="it is made by `tailorbird serve`, which hears of products"
        )
    sightings = open_sightings(url)
    told, after = list[Sighting](), -1
    try:
        place = 0
        while place > after:
            after = place
            found, place = await sightings.get_sightings(after, AT_ONCE)
            told += found
        return told
    finally:
        await sightings.aclose()


def _exists(url: str) -> bool:
    """False for a SQLite file that is not there; a server is asked when it is used."""
    scheme, _, path = url.partition(":")
    return scheme != "sqlite" or not path or Path(path).exists()


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
    if not _exists(url):
        _say_once(f"nothing has been imported into `{url}` yet")
        return frozenset()
    async with existing_store(url) as store:
        return await store.attribute_names()
