"""The data that the studio shows: each page and its JSON twin are made from the same view. `Site` is what the studio
needs of the running product; `wiring/desk.py` implements it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from proxy.audience.stored_results import ResultsStatus
from proxy.audience.survey import ConditionSize, SegmentSurvey
from proxy.diagnostics import Finding
from proxy.drafts.report import Outlook
from proxy.httpcache.purge import Purge
from proxy.metrics import Metrics, Shown
from proxy.model import View
from proxy.page.slots import INTERNAL
from proxy.rulebook.compile import Loaded, Publication
from proxy.rulebook.pauses import Pause, What
from proxy.stores.personal_data import Receipt
from proxy.stores.versions import Versions
from proxy.studio.product_changes import ProductsChanged
from proxy.studio.purging import Purged
from proxy.studio.readiness import Readiness
from proxy.studio.rule_list import Listed, RuleView, opened, rule_view, rules_on_page
from proxy.visitors.persona import Persona

MOST_FINDINGS = 100
MOST_PLACES = 30


class Link(msgspec.Struct, frozen=True):
    """A link on the first page."""

    text: str
    url: str


class Site(Protocol):
    """What the studio needs of the running product."""

    metrics: Metrics
    links: Sequence[Link]

    versions: Versions
    """Those of the rule folder."""

    is_published: bool
    """Whether files are drafts until they are published; else a saved folder is live."""

    @property
    def publication(self) -> Publication | None:
        """The rules being served; None before the first good folder."""

    @property
    def findings(self) -> Sequence[Finding]:
        """The problems of the folder as it is now; only warnings when it is the version being served."""

    def now(self) -> float:
        """Unix seconds."""

    async def readiness(self) -> Readiness:
        """That of all workers of this machine."""

    async def counted(self, name: str) -> Mapping[str, int]:
        """The counter `name` of all workers of this machine, by the value of its label."""

    async def live(self) -> Sequence[ShownView]:
        """The pages that workers of this machine showed last, the newest first."""

    async def metrics_text(self) -> str:
        """The metrics of all workers of this machine, in Prometheus' format."""

    async def export(self, visitor_id: str) -> Mapping[str, object]:
        """Everything stored about the visitor's person, as plain JSON values. May raise `StoreError`."""

    async def erase(self, visitor_id: str) -> Receipt:
        """Erases that person, here and in every process of the shop. May raise `StoreError`."""

    async def why(self, url: str, persona: Persona, publication: Publication) -> str:
        """The explanation of every slot with rules on that page, by these rules, for that visitor. Raises
        `RequestError`."""

    async def seen(self, visitor: str) -> Sequence[View]:
        """The recorded page views of a visitor, the newest first. May raise `StoreError`."""

    async def groups(self) -> SegmentSurvey:
        """The sizes of the segments being served. May raise `StoreError`."""

    async def typed(self, text: str) -> ConditionSize:
        """How many visitors match a condition. Raises `RequestError` before there are rules."""

    async def results(self, days: int, by: str, patience: float) -> ResultsStatus:
        """The results of who met a choice first in the last so many days, 0 for all, in parts `by` something, "" for
        none: those stored, or a new count if it is done within `patience` seconds."""

    async def load(self, files: dict[str, bytes]) -> Loaded:
        """What becomes of these files: a publication, or findings; with the warnings that `check` tells."""

    async def mend(self, files: dict[str, bytes], name: str) -> bytes:
        """The file of this name with what a program can correct in it."""

    async def plan(self) -> Outlook:
        """What the draft in the folder would change, and for whom."""

    async def publish(self, author: str, message: str, compared: str = "") -> None:
        """Publishes the draft in the folder, or asks for approval. Raises `OperatorError`, also when the draft or what
        is live has changed since it was `compared` (`Outlook.compared`)."""

    async def approve(self, number: int, author: str) -> None:
        """Publishes what somebody else asked to publish. Raises `OperatorError`."""

    async def roll_back(self, number: int, author: str) -> None:
        """Makes an earlier version live again. Raises `OperatorError`."""

    async def change_products(self, changes: list[dict[str, Any]]) -> ProductsChanged:
        """Changes products in every process of this shop."""

    async def purge(self, purge: Purge) -> Purged:
        """Purges stored answers in every process of this shop."""


class FindingView(msgspec.Struct, frozen=True):
    """A problem in the folder, or a warning. `where` is its place; `file` is "" when the studio cannot open it."""

    where: str
    file: str
    line: int
    code: str
    what: str
    help: str
    is_warning: bool


class PlaceView(msgspec.Struct, frozen=True):
    """A place of a problem; `file` is "" when the studio cannot open it."""

    where: str
    file: str
    line: int


class ProblemsView(msgspec.Struct, frozen=True):
    """Findings that are alike but for their places; `more` of these are not listed."""

    code: str
    what: str
    help: str
    is_warning: bool
    places: list[PlaceView]
    more: int


class StatusView(Readiness, frozen=True, kw_only=True):
    """The content of the first page: readiness, a page of the list of rules, what is paused, and what is wrong with the
    folder: `findings` of the `problems` in it. `is_off`: everything is paused."""

    rules: list[RuleView]
    listed: Listed
    findings: list[FindingView]
    problems: int
    paused: list[Pause]
    is_off: bool


class ShownView(msgspec.Struct, frozen=True):
    """A decided page of the live list; for each slot the rule that was shown, "" for the page's own content."""

    at: float
    path: str
    slots: dict[str, str]


def shown_view(shown: Shown) -> ShownView:
    """The decided page, without anything about its visitor."""
    decisions = (decision for decision in shown.decisions if not decision.slot.startswith(INTERNAL))
    return ShownView(shown.at, shown.path, {decision.slot: decision.rule for decision in decisions})


def newest(shown: Iterable[ShownView], most: int) -> list[ShownView]:
    """The live lists of several workers merged, the newest first."""
    return sorted(shown, key=lambda view: -view.at)[:most]


async def status_view(site: Site, find: str = "", page: int = 0) -> StatusView:
    """The content of the first page: of the rules with all words of `find` this page, or all of them on page 0."""
    shown, ready = await site.counted("tailorbird_rule_matches_total"), await site.readiness()
    return await asyncio.to_thread(_status_view, site, ready, shown, find, page)


def _status_view(site: Site, ready: Readiness, shown: Mapping[str, int], find: str, page: int) -> StatusView:
    """In a thread: with thousands of rules, pages of the shop would have to wait for it."""
    rules, pauses = site.publication.rules if site.publication else (), site.versions.pauses()
    found, listed = rules_on_page(rules, find, page, site.now())
    findings = site.findings[:MOST_FINDINGS] if page else site.findings
    return StatusView(
        **msgspec.structs.asdict(ready),
        rules=[rule_view(rule, site.now(), shown.get(rule.name, 0), pauses) for rule in found],
        listed=listed,
        findings=list(map(_finding, findings)),
        problems=len(site.findings),
        paused=sorted(pauses),
        is_off=Pause(What.EVERYTHING) in pauses,
    )


def problems_view(findings: Sequence[Finding]) -> list[ProblemsView]:
    """The findings, mistakes first, those alike as one."""
    alike: dict[tuple[str, str, str, bool], list[PlaceView]] = {}
    for each in map(_finding, sorted(findings, key=lambda finding: finding.is_warning)):
        place = PlaceView(each.where, each.file, each.line)
        alike.setdefault((each.code, each.what, each.help, each.is_warning), []).append(place)
    return [
        ProblemsView(*said, places[:MOST_PLACES], max(0, len(places) - MOST_PLACES))
        for said, places in list(alike.items())[:MOST_FINDINGS]
    ]


def _finding(finding: Finding) -> FindingView:
    place = finding.place
    told = (finding.code, finding.what, finding.help, finding.is_warning)
    return FindingView(str(place), opened(place.file), place.line, *told)
