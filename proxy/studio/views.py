"""The data that the studio shows: each page and its JSON twin are made from the same view. `Site` is what the studio
needs of the running product; `wiring/desk.py` implements it.

`Site` is what the studio asks of the running product; `wiring/desk.py` is it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Protocol

import msgspec

from proxy.audience.results import ResultsStatus
from proxy.audience.survey import ConditionSize, SegmentSurvey
from proxy.diagnostics import Finding
from proxy.drafts.report import Outlook
from proxy.httpcache.purge import Purge
from proxy.metrics import Counts, Metrics, Shown
from proxy.page.slots import INTERNAL
from proxy.rulebook.compile import Publication
from proxy.rulebook.pauses import Pause, What
from proxy.stores.personal_data import Receipt
from proxy.stores.versions import Versions
from proxy.studio.product_changes import ProductsChanged
from proxy.studio.purging import Purged
from proxy.studio.rule_list import Listed, RuleView, rule_view, rules_on_page

MOST_FINDINGS = 100
DEGRADED, STOPPING = "degraded", "stopping"


class Link(msgspec.Struct, frozen=True):
    """A link on the first page."""

    text: str
    url: str


class Site(Protocol):
    """What the studio needs of the running product."""

    metrics: Metrics
    links: Sequence[Link]

    @property
    def publication(self) -> Publication | None:
        """The rules being served; None before the first good folder."""

    @property
    def findings(self) -> Sequence[Finding]:
        """The problems of the folder as it is now; only warnings when it is the version being served."""

    versions: Versions
    """Those of the rule folder."""

    is_published: bool
    """Whether files are drafts until they are published; else a saved folder is live."""

    is_stopping: bool
    """True once this worker is about to stop."""

    @property
    def is_tight(self) -> bool:
        """True while memory is short, so that pages do without profiles."""

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

    async def is_store_ready(self) -> bool:
        """True when a profile could be read now."""

    async def does_store_forget(self) -> bool:
        """True when the store is set to evict data when it is full."""

    @property
    def is_storing(self) -> bool:
        """False when the last events could not be stored."""

    async def export(self, visitor_id: str) -> Mapping[str, object]:
        """Everything stored about the visitor's person, as plain JSON values. May raise `StoreError`."""

    async def erase(self, visitor_id: str) -> Receipt:
        """Erases that person, here and in every process of the shop. May raise `StoreError`."""

    async def why(self, url: str, visitor_id: str, segments: Sequence[str], given: Mapping[str, str]) -> str:
        """The explanation of every slot with rules on that page, for that visitor, in these segments besides their own;
        `given` is their country, language and device. Raises `RequestError`."""

    async def groups(self) -> SegmentSurvey:
        """The sizes of the segments being served. May raise `StoreError`."""

    async def typed(self, text: str) -> ConditionSize:
        """How many visitors match a condition. Raises `RequestError` before there are rules."""

    async def results(self, days: int, patience: float) -> ResultsStatus:
        """The results of choices met in the last so many days, 0 for all: those stored, or a new count if it is done
        within `patience` seconds."""

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
    """A problem in the folder, or a warning."""

    where: str
    code: str
    what: str
    help: str
    is_warning: bool


class Readiness(msgspec.Struct, frozen=True):
    """`state` is ready, degraded or stopping, and `reasons` says why; `version` is that of the rules being served.
    `workers` is how many processes of this machine are included."""

    state: str
    reasons: list[str]
    version: str
    store_ready: bool
    workers: int

    @property
    def is_stopping(self) -> bool:
        """True when no more requests should be sent to this worker."""
        return self.state == STOPPING


class StatusView(Readiness, frozen=True):
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


async def readiness(site: Site) -> Readiness:
    """The readiness of all workers of this machine."""
    publication = site.publication
    problems = [finding for finding in site.findings if not finding.is_warning]
    store_ready = await site.is_store_ready()
    reasons = []
    serving = "no rules are being served" if publication is None else "the last good version keeps serving"
    if problems:
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        what = problems[0].what if problems[0].code == "R202" else f"the rules folder has {count}"
        reasons.append(f"{what}; {serving}")
    if not store_ready:
        reasons.append("profiles cannot be read; pages go on without them")
    elif await site.does_store_forget():
        reasons.append("the store drops visitors when its memory is full; set its `maxmemory-policy` to noeviction")
    if not site.is_storing:
        reasons.append("events cannot be stored, the log says why; who sends them is asked to try again")
    if site.is_tight:
        reasons.append("memory is nearly used up; pages go on without profiles")
    version = publication.version if publication else ""
    state = STOPPING if site.is_stopping else DEGRADED if reasons else "ready"
    return Readiness(state, reasons, version, store_ready, 1)


def together(said: Sequence[Readiness], missing: int) -> Readiness:
    """The readiness of a machine's workers together; `missing` is how many did not answer. If one is stopping, all are:
    a signal reaches them one after the other."""
    reasons = list(dict.fromkeys(reason for each in said for reason in each.reasons))
    versions = sorted({each.version for each in said})
    if missing:
        reasons.append("a worker does not answer" if missing == 1 else f"{missing} workers do not answer")
    if len(versions) > 1:
        reasons.append("not all workers have the newest rules yet")
    is_stopping = any(each.is_stopping for each in said)
    return Readiness(
        STOPPING if is_stopping else DEGRADED if reasons else "ready",
        reasons,
        versions[-1] if versions else "",
        all(each.store_ready for each in said),
        len(said),
    )


def state_gauges(ready: Readiness, findings: Collection[Finding]) -> Counts:
    """The state of the machine as gauges, for alerts: `/readyz` answers 200 while degraded, so that it still gets
    requests."""
    return Counter(
        {
            ("tailorbird_workers", "", ""): ready.workers,
            ("tailorbird_degraded", "", ""): int(ready.state == DEGRADED),
            ("tailorbird_rule_problems", "", ""): sum(not finding.is_warning for finding in findings),
            ("tailorbird_build_info", "version", version("tailorbird")): 1,
        }
    )


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
        findings=[FindingView(str(f.place), f.code, f.what, f.help, f.is_warning) for f in findings],
        problems=len(site.findings),
        paused=sorted(pauses),
        is_off=Pause(What.EVERYTHING) in pauses,
    )
