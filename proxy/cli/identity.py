"""`tailorbird identity`: which devices are which person, who said so when, how to undo it, and which word on an
attribute is believed when they say different things."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from proxy.audience.merging import Merge
from proxy.cli.rulefolder import A_FILE, existing_store, places_in
from proxy.diagnostics import Finding, as_text
from proxy.model import Arrival
from proxy.rulebook.mergefile import read_merge_rules
from proxy.stores.holdings import unmerged
from proxy.stores.joining import ledger, whole

STORE = click.option(
    "--store", envvar="TAILORBIRD_STORE", default="sqlite:tailorbird.db", help="where profiles are  (TAILORBIRD_STORE)"
)


@click.group("identity")
def command() -> None:
    """Who is who: the devices of a person, joins undone, and whose word counts."""


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
    if not asyncio.run(_unmerged(device, store)):
        click.echo(f"`{device}` is nobody's device")
        sys.exit(1)
    click.echo(f"`{device}` is a visitor of its own again")


@command.command("rules")
@click.argument("file", type=A_FILE, required=False)
@STORE
def rules(file: Path | None, store: str) -> None:
    """By which rules several words on an attribute are one. With FILE, its lines `attribute: rule` hold from now on, in
    every process, and all profiles are made anew: newest (which holds for all that stand in no line), oldest, highest,
    lowest, all (as a set) or own (a device's word only while there is none of the person).

    Exit code 1 when the file has problems.
    """
    if file is not None:
        _rule(file, store)
    for name, rule in sorted(asyncio.run(_rules(store)).items()):
        click.echo(f"{name}: {rule}")
    click.echo("of all others the newest word counts")


def _rule(file: Path, store: str) -> None:
    findings: list[Finding] = []
    raw = file.read_bytes()
    found = read_merge_rules(file.name, raw, findings)
    if findings:
        click.echo(as_text(findings, {file.name: raw.decode("utf-8-sig", "replace")}), err=True)
        sys.exit(1)
    changed, unheard = asyncio.run(_ruled(found, store))
    for name in unheard:
        click.echo(f"nobody has told of `{name}` yet", err=True)
    click.echo(f"{changed} profiles came out differently", err=True)


async def _rules(url: str) -> Mapping[str, str]:
    async with existing_store(url) as store:
        return await store.merge_rules()


async def _ruled(rules: Mapping[str, Merge], url: str) -> tuple[int, list[str]]:
    """How many profiles the rules changed, and which attributes nobody ever told."""
    async with existing_store(url) as store:
        await store.put_merge_rules(rules)
        return await store.rebuild(), sorted(rules.keys() - await store.attribute_names())


async def _shown(visitor: str, url: str) -> tuple[tuple[str, ...], list[Arrival]]:
    async with existing_store(url) as store:
        ids = await whole(store, visitor)
        return ids, list(await ledger(store, ids[0]))


async def _unmerged(device: str, url: str) -> bool:
    async with places_in(url) as places:
        return await unmerged(places, device, time.time())
