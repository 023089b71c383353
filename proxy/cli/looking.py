"""Looking at the visitors of a store to see which segments they are in: at some, or at all of them by as many processes
as there are processors, each at a part of the store of its own."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from proxy.audience.segments import Memberships
from proxy.audience.traits import trait
from proxy.cli.rulefolder import existing_store, read_rules
from proxy.conditions.values import matches
from proxy.decide.conjunctions import facts_of
from proxy.decide.engine import at_stage
from proxy.decide.plan import in_order_of_use
from proxy.errors import OperatorError
from proxy.model import Attributes, EvaluationContext, Measure, Profile
from proxy.ports import Part
from proxy.rulebook.compile import Publication

WORTH_A_PROCESS = 20_000
"""Visitors: with fewer, a process takes longer to start than to look."""


class Folder(NamedTuple):
    """A rule folder, and what its rules are about: what another process needs to read it too."""

    path: Path
    catalogue: Path | None
    store: str


class Eye:
    """Sees at one moment who is in which segments of a publication."""

    def __init__(self, publication: Publication, now: float) -> None:
        self._plan = publication.plan
        self._segments = in_order_of_use(publication.segments)
        self._now = now
        self.asked = asked(publication)

    def known(self, profile: Profile, measures: Mapping[str, Measure]) -> Attributes:
        """What is known of a visitor, by these measures too."""
        read = {name: trait(profile, name, measure, self._now) for name, measure in measures.items()}
        told = {name: value for name, value in read.items() if value is not None}
        return {**profile.attributes, **told, "segment": profile.segments}

    def segments(self, attributes: Attributes) -> frozenset[str]:
        """The segments that a visitor is in: named by the profile, and by their own conditions."""
        known = dict(at_stage(self._plan, EvaluationContext(now=self._now, attributes=attributes)).attributes)
        segments = known["segment"]
        names = segments if isinstance(segments, frozenset) else frozenset()
        for segment in self._segments:
            known["segment"] = names
            if matches(segment.condition, known, now=self._now, timezone=segment.timezone):
                names |= {segment.name}
        return names


def asked(publication: Publication) -> dict[str, Measure]:
    """What the segments, and the stages of the journey, read off histories."""
    stages = publication.plan.journey.rules if publication.plan.journey else ()
    conditions = [segment.condition for segment in publication.segments] + [stage.condition for stage in stages]
    return {fact.attribute: fact.measure for each in conditions for fact in facts_of(each) if fact.measure}


def counted(folder: Folder, population: int, now: float) -> Memberships:
    """All visitors of the store, of whom there are about so many. Devices are no visitors of their own."""
    processes = min(os.cpu_count() or 1, population // WORTH_A_PROCESS)
    if processes < 2:
        return _counted(folder, now, Part())
    parts = [Part(number, processes) for number in range(processes)]
    total: Counter[frozenset[str]] = Counter()
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for each in pool.map(partial(_counted, folder, now), parts):
            total.update(each)
    return total


def _counted(folder: Folder, now: float, part: Part) -> Memberships:
    """One part of them, in whichever process."""
    publication = read_rules(*folder).publication
    if publication is None:
        raise OperatorError(f"`{folder.path}` has problems now", help=f"tailorbird check {folder.path}")
    return asyncio.run(_looked_at(folder.store, Eye(publication, now), part))


async def _looked_at(url: str, eye: Eye, part: Part) -> Memberships:
    found: Counter[frozenset[str]] = Counter()
    async with existing_store(url) as store:
        async for profile in store.profiles(part):
            if not profile.alias:
                found[eye.segments(eye.known(profile, eye.asked))] += 1
    return found
