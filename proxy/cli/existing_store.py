"""Opens a store for commands that only read: it must exist already. Raises `OperatorError` when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

import click

from proxy.errors import OperatorError
from proxy.model import Sighting, View
from proxy.ports import Sightings, Store
from proxy.settings import DEFAULTS
from proxy.stores import exists, open_outbox, open_sightings, open_store, open_views
from proxy.stores.personal_data import Places

Answer = TypeVar("Answer")
AT_ONCE = 1_000
STORE = click.option(
    "--store", envvar="TAILORBIRD_STORE", default=DEFAULTS.store, help="where profiles are  (TAILORBIRD_STORE)"
)


def asked(url: str, question: Callable[[Places], Awaitable[Answer]]) -> Answer:
    """What is answered of the places at `url` where something is kept of visitors."""

    async def answered() -> Answer:
        async with places_in(url) as places:
            return await question(places)

    return asyncio.run(answered())


@asynccontextmanager
async def places_in(url: str) -> AsyncIterator[Places]:
    """The store, and what else is kept of visitors beside it."""
    async with existing_store(url) as store, aclosing(open_views(url)) as views, aclosing(open_outbox(url)) as outbox:
        yield Places(store, views, outbox)


@asynccontextmanager
async def existing_store(url: str) -> AsyncIterator[Store]:
    """The store alone."""
    _must_exist(url, "name yours with --store; `tailorbird serve` and `tailorbird import profiles FILE` make one")
    async with aclosing(open_store(url)) as store:
        yield store


async def recorded_views(url: str, most: int) -> list[View]:
    """The last views recorded in the store, the oldest first."""
    _must_exist(url, "views are recorded while `tailorbird serve` runs")
    async with aclosing(open_views(url)) as log:
        return await log.get_views(most)


async def existing_sightings(url: str) -> list[Sighting]:
    """What pages told of products, as the store keeps it."""
    _must_exist(url, "it is made by `tailorbird serve`, which hears of products")
    async with aclosing(open_sightings(url)) as sightings:
        return await all_sightings(sightings)


async def all_sightings(sightings: Sightings) -> list[Sighting]:
    """All that a store was told of products."""
    told, after, place = list[Sighting](), -1, 0
    while place > after:
        after = place
        found, place = await sightings.get_sightings(after, AT_ONCE)
        told += found
    return told


def _must_exist(url: str, help: str) -> None:
    if not exists(url):
        raise OperatorError(f"there is no store `{url}`", help=help)
