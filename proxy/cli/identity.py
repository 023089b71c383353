"""`tailorbird identity`: which devices belong to which person, who joined them and when, how to undo it, and which
source wins where they disagree on an attribute."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from proxy.audience.merging import MOST_RULES, Merge
from proxy.audience.rows import attribute_name
from proxy.cli.existing_store import STORE, asked
from proxy.cli.options import Subcommands
from proxy.cli.rulefolder import A_FILE
from proxy.conditions.localtime import utc_minute
from proxy.conditions.nodes import as_map, is_nothing
from proxy.diagnostics import Finding, as_text
from proxy.model import Arrival
from proxy.rulebook.read import read_yaml, start_of, text_of
from proxy.rulebook.scalars import read_choice
from proxy.stores.joining import ledger, whole
from proxy.stores.personal_data import Places, unmerged


@click.group("identity", cls=Subcommands)
def command() -> None:
    """Identity: the devices of a person, undoing joins, and merge rules."""


@command.command("show")
@click.argument("visitor")
@STORE
def show(visitor: str, store: str) -> None:
    """List the ids that are one person with VISITOR, and when they were joined or parted."""
    ids, told = asked(store, lambda places: _joined(places, visitor))
    click.echo(f"{ids[0]}: {', '.join(ids[1:]) or 'no device'}")
    for arrival in told:
        click.echo(f"  {utc_minute(arrival.event.at)}  {arrival.event.kind} {arrival.event.subject}")


@command.command("unmerge")
@click.argument("device")
@STORE
def unmerge(device: str, store: str) -> None:
    """Take DEVICE away from its person: each keeps its own events, and the two are never joined again.

    Exit code 1 when it is no device of a person.
    """
    if not asked(store, lambda places: unmerged(places, device, time.time())):
        click.echo(f"`{device}` is nobody's device")
        sys.exit(1)
    click.echo(f"`{device}` is a visitor of its own again")


@command.command("rules")
@click.argument("file", type=A_FILE, required=False)
@STORE
def rules(file: Path | None, store: str) -> None:
    """Show the merge rules: which value an attribute has where devices of one person differ.

    With FILE, its lines `attribute: rule` apply from now on, in every process, and all profiles are rebuilt: newest
    (the default), oldest, highest, lowest, all (as a set) or own (a device's value only while the person has none).
    Exit code 1 when the file has problems.
    """
    if file is not None:
        _rule(file, store)
    for name, rule in sorted(asked(store, lambda places: places.store.merge_rules()).items()):
        click.echo(f"{name}: {rule}")
    click.echo("of all others the newest word counts")


def _rule(file: Path, store: str) -> None:
    findings: list[Finding] = []
    raw = file.read_bytes()
    found = read_merge_rules(file.name, raw, findings)
    if findings:
        click.echo(as_text(findings, {file.name: raw.decode("utf-8-sig", "replace")}), err=True)
        sys.exit(1)
    changed, unheard = asked(store, lambda places: _ruled(places, found))
    for name in unheard:
        click.echo(f"nobody has told of `{name}` yet", err=True)
    click.echo(f"{changed} profiles came out differently", err=True)


async def _ruled(places: Places, rules: Mapping[str, Merge]) -> tuple[int, list[str]]:
    """How many profiles the rules changed, and which attributes nobody ever told."""
    await places.store.put_merge_rules(rules)
    return await places.store.rebuild(), sorted(rules.keys() - await places.store.attribute_names())


async def _joined(places: Places, visitor: str) -> tuple[Sequence[str], Sequence[Arrival]]:
    """The ids that are one person, and how they came to be."""
    ids = await whole(places.store, visitor)
    return ids, await ledger(places.store, ids[0])


def read_merge_rules(name: str, raw: bytes, findings: list[Finding]) -> dict[str, Merge]:
    """The merge rules in a file, by attribute; none in an empty file. `newest`, the default, is left out."""
    text = text_of(name, raw, findings)
    root = read_yaml(name, text, findings) if text is not None else None
    if root is None or is_nothing(root):
        return {}
    table = as_map(root, "a file of merge rules", findings)
    rules: dict[str, Merge] = {}
    for entry in table.entries if table else ():
        rule = read_choice(entry.value, entry.key.text, list(Merge), findings)
        attribute = attribute_name(entry.key.text)
        if attribute in rules:
            what = f'"{entry.key.text}" is "{attribute}", which has a rule already'
            findings.append(Finding("R102", what, entry.key.place, "keep one of them"))
        elif rule and rule != Merge.NEWEST:
            rules[attribute] = Merge(rule)
    if len(rules) > MOST_RULES:
        what = f"there are rules for {len(rules)} attributes, more than {MOST_RULES}"
        findings.append(Finding("Y003", what, start_of(name), "leave out those for which the newest word will do"))
    return rules
