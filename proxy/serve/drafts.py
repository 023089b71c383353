"""Drafts loaded aside, for previews: read off the event loop, checked and compiled like what is live, and the last few
kept, so that following a draft's links costs one load."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from proxy import garbage
from proxy.cases import Outcome, run_cases
from proxy.diagnostics import mistakes_text
from proxy.drafts.report import Checks, checks_text, faults_of, prospect
from proxy.drafts.report import as_text as prospect_text
from proxy.model import View
from proxy.rulebook.compile import Loaded, Publication, version_of
from proxy.stores.ruledir import read_folder
from proxy.stores.versions import Versions

MOST = 4
MOST_FAULTS = 5
DRAFT = "draft"

Files = dict[str, bytes]


class Draft(NamedTuple):
    """Files, and what became of them."""

    files: Files
    loaded: Loaded


class Drafts:
    """`rules` is the folder that is served, `load` makes a publication of files."""

    def __init__(self, rules: Path, load: Callable[[Files], Loaded]) -> None:
        self._rules = rules
        self._load = load
        self._turn = asyncio.Lock()
        self._kept: OrderedDict[str, Loaded] = OrderedDict()

    async def get(self, name: str) -> Loaded:
        """As `read`, without its files."""
        return (await self.read(name)).loaded

    async def read(self, name: str) -> Draft:
        """The files of a state of the rules as they are now: `draft` is the draft in the served folder, a number a
        version, else it is a folder's path. Raises `OperatorError`."""
        files = await asyncio.to_thread(self._files, name)
        return Draft(files, await self.loaded(files))

    async def loaded(self, files: Files) -> Loaded:
        """What becomes of these files."""
        async with self._turn:  # one at a time, so that many at once are not many loads
            content = await asyncio.to_thread(version_of, files)
            if content not in self._kept:
                self._kept[content] = await asyncio.to_thread(self._load, files)
            self._kept.move_to_end(content)
            while len(self._kept) > MOST:
                _, before = self._kept.popitem(last=False)
                if before.publication is not None:
                    garbage.let_go(before.publication.parts.pop)
            return self._kept[content]

    def _files(self, name: str) -> Files:
        if name.isdecimal():
            return Versions(self._rules).files_now(int(name))
        return read_folder(self._rules if name == DRAFT else Path(name))


def checks_of(loaded: Loaded, now: float) -> Checks:
    """What `check` and `test` say of a draft."""
    outcomes = run_cases(loaded.publication, now) if loaded.publication else ()
    failed = [outcome for outcome in outcomes if not outcome.passed]
    faults = tuple(map(_faults_of, failed[:MOST_FAULTS]))
    return Checks(tuple(loaded.findings), len(outcomes) - len(failed), len(failed), faults)


def _faults_of(outcome: Outcome) -> str:
    case = outcome.case
    return "\n        ".join([f"{case.name} ({case.place})", *map(str, outcome.faults)])


def plan_text(
    views: Sequence[View],
    live: Publication | None,
    draft: Loaded,
    checks: Checks,
    now: float,
    names: tuple[str, str],
    *,
    is_live: bool = False,
) -> str:
    """What a draft would change of what is live, or has changed of what was; its findings when it has mistakes. `names`
    are what the two are called."""
    if draft.publication is None:
        return mistakes_text(draft.findings, draft.sources)
    if live is None:
        said = f"Nothing is published yet. The draft: {checks_text(checks)}."
        return "\n".join([said, *faults_of(checks)])
    return prospect_text(prospect(views, live, draft.publication, checks, now, names=names, is_live=is_live))
