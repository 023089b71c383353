"""`tailorbird store copy FROM TO`: all of a store into another, of whatever kind. It may be done again, after it broke
off or to bring over what came since: what is there already changes nothing."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import click

from proxy.ports import Store
from proxy.stores import open_store

BATCH = 5_000
EACH = 1_000


@click.group("store")
def command() -> None:
    """What is done with whole stores."""


@command.command("copy")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
def copy(source: str, target: str) -> None:
    """Copies all of the store FROM into the store TO: every visitor's log, from which their profiles follow, the events
    that were not taken, and the tombstones of who was erased. Both are written as in --store."""
    visitors, events = asyncio.run(_copied(source, target))
    click.echo(f"{visitors} visitors, {events} events that were not there")


async def _copied(source: str, target: str) -> tuple[int, int]:
    stores = open_store(source), open_store(target)
    try:
        return await copied(*stores, lambda count: click.echo(f"\r{count} visitors", nl=False, err=sys.stderr.isatty()))
    finally:
        for store in stores:
            await store.aclose()


async def copied(source: Store, target: Store, tell: Callable[[int], None] = lambda _: None) -> tuple[int, int]:
    """How many visitors there were, and how many of their events the target did not have."""
    visitors = events = 0
    await target.bury(await source.tombstones())  # before all else: what they forbid stays out from now on
    rules = await source.merge_rules()
    is_ruled_anew = bool(rules) and rules != await target.merge_rules()
    if is_ruled_anew:
        await target.put_merge_rules(rules)
    async for visitor_id in source.visitors():
        arrivals = await source.log_of(visitor_id)
        for start in range(0, len(arrivals), BATCH):
            events += len((await target.apply(arrivals[start : start + BATCH])).fresh)
        visitors += 1
        if visitors % EACH == 0:
            tell(visitors)
    if is_ruled_anew:
        await target.rebuild()
    known = set(await target.refused())
    await target.refuse([one for one in await source.refused() if one not in known])
    return visitors, events
