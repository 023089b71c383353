"""`tailorbird segments`: the size and overlap of segments in a store, what distinguishes them, lookalikes of one, and
suggestions for new ones. Counts are exact, or estimated quickly from a sample."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from math import ceil
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import click

from proxy.audience.clusters import clusters
from proxy.audience.drivers import IN_DAYS, Driver, fifths, lookalikes
from proxy.audience.segments import Memberships, Overlap, Size, overlaps, sizes
from proxy.cli.existing_store import STORE, asked, existing_store
from proxy.cli.options import as_json, form_option
from proxy.cli.rulefolder import CATALOGUE, folder_argument, good, read_rules
from proxy.conditions.values import is_number, number_text
from proxy.diagnostics import did_you_mean, many
from proxy.errors import OperatorError
from proxy.ports import Partition
from proxy.rulebook.compile import Publication
from proxy.rulebook.mending import quoted
from proxy.rulebook.segment_reader import SegmentReader, stages_of
from proxy.serve.survey import SAMPLE, Looked, looked_at

GRADED = {"recency": "days since last order", "frequency": "orders", "monetary": "lifetime spend"}


@click.command("segments")
@folder_argument
@STORE
@CATALOGUE
@click.option("--estimate", is_flag=True, help=f"from {SAMPLE:,} visitors drawn at random, with an interval: quick")
@click.option("--like", metavar="NAME", help="who is like this segment's members, with reasons")
@click.option("--suggest", is_flag=True, help="groups that visitors fall into, as a rule file has them")
@click.option("--rfm", is_flag=True, help="where the grades of recency, frequency and monetary part: fifths of buyers")
@click.option("--most", default=10, help="how many to list  (default: 10)")
@form_option()
def command(
    folder: Path,
    store: str,
    catalogue: Path | None,
    estimate: bool,
    like: str | None,
    suggest: bool,
    rfm: bool,
    most: int,
    form: str,
) -> None:
    """Size, share and overlap of every segment in the rule folder DIR, and what sets its members apart from others; and
    how many are in each stage of the journey.

    Exit code 1 when the folder has problems.
    """
    publication = good(read_rules(folder, catalogue, store))
    names = [segment.name for segment in publication.segments]
    if like is not None and like not in names:
        raise click.BadParameter(f"there is no segment `{like}`; {did_you_mean(like, names)}", param_hint="--like")
    now = time.time()
    looked = looked_at(publication, *asked(store, lambda places: places.store.sample(SAMPLE)), now)
    if not (estimate or like or suggest or rfm):
        looked.memberships = counted(Folder(folder, catalogue, store), looked.population, now)
        looked.population = sum(looked.memberships.values())
    told = _figures(publication, looked, like, suggest, rfm, most)
    click.echo(as_json(told) if form == "json" else _text(told))


def _figures(
    publication: Publication, looked: Looked, like: str | None, suggest: bool, rfm: bool, most: int
) -> dict[str, Any]:
    """What was asked for, as plain values."""
    if rfm:
        return {"rfm": {name: _grades(looked, word) for name, word in GRADED.items()}}
    visitors = looked.features()
    if like is not None:
        alike = lookalikes(visitors, [like in membership for membership in looked.sampled], most)
        return {"like": like, "visitors": [{**asdict(one), "visitor": looked.ids[one.visitor]} for one in alike]}
    if suggest:
        return {"suggestions": [asdict(one) for one in clusters(visitors, most)], "looked_at": len(visitors)}
    names = [segment.name for segment in publication.segments]
    apart = {segment.name: looked.apart(segment, visitors) for segment in publication.segments}
    return {
        "visitors": looked.population,
        "looked_at": sum(looked.memberships.values()),
        "segments": [
            {**asdict(size), "drivers": [asdict(one) for one in apart[size.name]]}
            for size in sizes(names, looked.memberships, looked.population)
        ],
        "stages": [asdict(size) for size in sizes(stages_of(publication), looked.memberships, looked.population)],
        "overlaps": [asdict(one) for one in overlaps(names, looked.memberships)[:most]],
    }


def _numbers(looked: Looked, word: str) -> list[float]:
    """The values of a trait among those who bought."""
    buyers = [attributes for attributes in looked.attributes if attributes.get("orders")]
    return [value for attributes in buyers if is_number(value := attributes.get(word))]


# -- as text


def _grades(looked: Looked, word: str) -> list[float]:
    """Where the grades part, in whole days where it is days: as one would write it into a rule."""
    return [float(ceil(value)) if word.startswith(IN_DAYS) else value for value in fifths(_numbers(looked, word))]


def _text(told: dict[str, Any]) -> str:
    kind = next(word for word in ("rfm", "like", "suggestions", "segments") if word in told)
    return "\n".join(LINES[kind](told))


def _rfm_lines(told: dict[str, Any]) -> list[str]:
    """As a rule file has it."""
    grades = told["rfm"].items()
    return ["rfm:", *(f"  {name}: [{', '.join(map(number_text, values))}]" for name, values in grades)]


def _like_lines(told: dict[str, Any]) -> list[str]:
    lines = [f"  {one['visitor']}  {one['likeness']:.1f}  {'; '.join(one['because'])}" for one in told["visitors"]]
    return [
        f"most like {told['like']}, of those looked at",
        *(lines or ["  nobody is like its members, or it has none"]),
    ]


def _suggestion_lines(told: dict[str, Any]) -> list[str]:
    """As a rule file has them, below `segments:`."""
    groups = told["suggestions"]
    if not groups:
        return [f"# the {told['looked_at']:,} visitors looked at fall into no groups that are surely some"]
    together = sum(one["share"] for one in groups)
    lines = [f"# {together:.0%} of the {told['looked_at']:,} visitors looked at are in one of {len(groups)} groups"]
    return lines + [line for one in groups for line in _group_lines(one)]


def _group_lines(one: dict[str, Any]) -> list[str]:
    """A group, and the segment that finds it best."""
    apart = "; ".join(f"{driver['feature']} ({driver['lift']:.1f} times as often)" for driver in one["apart"][:3])
    told = [
        "",
        f"# {one['share']:.1%} of visitors; {one['stability']:.2f} of it comes out again when half of them are asked",
        f"# set apart by: {apart}" if apart else "# nothing sets it apart but what it lacks",
    ]
    if not one["when"] and not one["unless"]:
        return [*told, "# no lines find it"]
    find = f"# these lines find {one['found']:.0%} of it, and {one['right']:.0%} of whom they find are of it"
    named = [feature.replace(": ", " ") for feature in one["when"]]
    named += [f"without {feature.replace(': ', ' ')}" for feature in one["unless"]]
    asked = ["    when:", *(f"      {_quoted_line(feature)}" for feature in one["when"])] if one["when"] else []
    if one["unless"]:
        asked += ["    unless:", "      any of:", *(f"        - {_quoted_line(feature)}" for feature in one["unless"])]
    return [*told, find, f"  {quoted(' and '.join(named))}:", *asked]


def _quoted_line(feature: str) -> str:
    name, _, value = feature.partition(": ")
    return f"{quoted(name)}: {quoted(value)}"


def _segment_lines(told: dict[str, Any]) -> list[str]:
    is_whole = told["looked_at"] == told["visitors"]
    how, of = ("", "") if is_whole else (f", estimated from {told['looked_at']:,}", " of those looked at")
    lines = [f"{many(told['visitors'], 'visitor')}{how}"]
    for one in told["segments"]:
        lines += _size_lines(Size(*(one[name] for name in ("name", "members", "share", "low", "high"))), one["drivers"])
    for one in told["stages"]:
        lines += _size_lines(Size(**one), ())
    pairs = [Overlap(**one) for one in told["overlaps"]]
    lines += ["overlaps"] if pairs else []
    return lines + [
        f"  {pair.one} and {pair.other}: {pair.both:,}{of} in both, {pair.part:.0%} of those in either"
        for pair in pairs
    ]


def _size_lines(size: Size, found: Sequence[dict[str, Any]]) -> list[str]:
    spread = f", between {size.low:.1%} and {size.high:.1%}" if size.low < size.high else ""
    apart = [
        f"      {one.feature}  {one.lift:.1f} times as often ({one.low:.1f} to {one.high:.1f})"
        for one in (Driver(**each) for each in found)
    ]
    return [f"  {size.name}: {size.members:,}, {size.share:.1%}{spread}", *apart]


LINES = {"rfm": _rfm_lines, "like": _like_lines, "suggestions": _suggestion_lines, "segments": _segment_lines}


WORTH_A_PROCESS = 20_000
"""Visitors: with fewer, a process takes longer to start than to look."""


class Folder(NamedTuple):
    """A rule folder, and what its rules are about: what another process needs to read it too."""

    path: Path
    catalogue: Path | None
    store: str


def counted(folder: Folder, population: int, now: float) -> Memberships:
    """How many visitors of the store are in each segment: all of them, with a process for each processor core, when
    there are about so many. Devices are no visitors of their own."""
    processes = min(os.cpu_count() or 1, population // WORTH_A_PROCESS)
    if processes < 2:
        return _counted(folder, now, Partition())
    parts = [Partition(number, processes) for number in range(processes)]
    total: Counter[frozenset[str]] = Counter()
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for each in pool.map(partial(_counted, folder, now), parts):
            total.update(each)
    return total


def _counted(folder: Folder, now: float, part: Partition) -> Memberships:
    """One part of them, in whichever process."""
    publication = read_rules(*folder).publication
    if publication is None:
        raise OperatorError(f"`{folder.path}` has problems now", help=f"tailorbird check {folder.path}")
    return asyncio.run(_looked_at(folder.store, SegmentReader(publication, now), part))


async def _looked_at(url: str, reader: SegmentReader, part: Partition) -> Memberships:
    found: Counter[frozenset[str]] = Counter()
    async with existing_store(url) as store:
        async for profile in store.profiles(part):
            if not profile.alias:
                found[reader.groups(reader.known(profile, reader.asked))] += 1
    return found
