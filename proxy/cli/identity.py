"""`tailorbird identity VISITOR`: which devices are which person, who said so when, and how to undo it."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime

import click

from proxy.cli.rulefolder import existing_store
from proxy.model import Arrival
from proxy.stores.joining import ledger, part, whole

STORE = click.option(
    "--store", envvar="TAILORBIRD_STORE", default="sqlite:tailorbird.db", help="where profiles are  (TAILORBIRD_STORE)"
)


@click.group("identity")
def command() -> None:
    """Who is who: the devices of a person, and joins undone."""


@command.command("show")
@click.argument("visitor")
@STORE
def show(visitor: str, store: str) -> None:
    """The ids that are one person with VISITOR, and every join and parting of theirs."""
    ids, told = asyncio.run(_shown(visitor, store))
    click.echo(f"{ids[0]}: {', '.join(ids[1:]) or 'no device'}")
    for arrival in told:
        at = datetime.fromtimestamp(arrival.event.at, UTC)
        click.echo(f"  {at:%Y-%m-%d %H:%M} UTC  {arrival.event.kind} {arrival.event.subject}")


@command.command("unmerge")
@click.argument("device")
@STORE
def unmerge(device: str, store: str) -> None:
    """Take DEVICE away from its person: each has again what they did themselves, and the two are never joined again.

    Exit code 1 when it is nobody's device.
    """
    reason = asyncio.run(_unmerged(device, store))
    if reason:
        click.echo(f"`{device}` is nobody's device")
        sys.exit(1)
    click.echo(f"`{device}` is a visitor of its own again")


async def _shown(visitor: str, url: str) -> tuple[tuple[str, ...], list[Arrival]]:
    async with existing_store(url) as store:
        ids = await whole(store, visitor)
        return ids, list(await ledger(store, ids[0]))


async def _unmerged(device: str, url: str) -> str:
    async with existing_store(url) as store:
        return (await part(store, device, time.time())).verdict.reason
