"""The admin listener tells what is live, and only to those who may know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from proxy.audience.segments import Size
from proxy.audience.stored_results import ResultsStatus
from proxy.audience.survey import ConditionSize, SegmentSurvey
from proxy.catalogue.product_index import ProductIndex
from proxy.diagnostics import Finding
from proxy.drafts.report import Outlook
from proxy.errors import OperatorError, RequestError, StoreError
from proxy.httpcache.purge import Purge
from proxy.metrics import Decided, Metrics
from proxy.model import Decision, Place, Reason, View
from proxy.rulebook.compile import Loaded, Publication, load
from proxy.rulebook.mending import mended
from proxy.stores.history import Action
from proxy.stores.personal_data import Receipt
from proxy.stores.versions import Versions
from proxy.studio.app import create_studio
from proxy.studio.product_changes import ProductsChanged, change
from proxy.studio.purging import Purged
from proxy.studio.readiness import Observed, Readiness, readiness
from proxy.studio.views import Link, ShownView, newest, shown_view
from proxy.visitors.persona import Persona

RULES = """version: 1
rules:
  - name: Winter <sale>
    slot: home.hero
    show: {banner: {title: Winter, link: /sale, button: Shop}}
"""
TOKEN = "a-long-enough-token"


def published() -> Publication:
    loaded = load({"a.rules.yaml": RULES.encode(), "slots.yaml": b"slots: {home.hero: {}}"})
    assert loaded.publication is not None, loaded.findings
    return loaded.publication


@dataclass
class Shop:
    """A site whose state a test sets."""

    publication: Publication | None = field(default_factory=published)
    findings: Sequence[Finding] = ()
    is_ready: bool = True
    metrics: Metrics = field(default_factory=Metrics)
    links: Sequence[Link] = (Link("The shop", "http://127.0.0.1:8080/"),)
    purged: list[Purge] = field(default_factory=list)
    is_late: bool = False
    versions: Versions = field(default_factory=lambda: Versions(Path("/nowhere")))
    is_published: bool = True
    planned: Outlook = field(default_factory=lambda: Outlook(""))
    files: Mapping[str, bytes] = field(default_factory=dict)
    views: Sequence[View] = ()
    is_stopping: bool = False
    is_tight: bool = False
    is_full: bool = False
    why_not_stored: str = ""
    left_alone: Sequence[str] = ()
    is_forgetful: bool = False
    looked: ResultsStatus = field(default_factory=lambda: ResultsStatus(None, False))
    surveyed: SegmentSurvey = field(default_factory=lambda: SegmentSurvey(0, 0))
    hub: ProductIndex = field(default_factory=ProductIndex)

    def now(self) -> float:
        return 1_000.0

    async def readiness(self) -> Readiness:
        return readiness(
            Observed(
                publication=self.publication,
                findings=self.findings,
                is_stopping=self.is_stopping,
                is_store_ready=self.is_ready,
                does_store_forget=self.is_forgetful,
                is_tight=self.is_tight,
                is_full=self.is_full,
                why_not_stored=self.why_not_stored,
                left_alone=self.left_alone,
            )
        )

    async def counted(self, name: str) -> Mapping[str, int]:
        return self.metrics.by_value(name)

    async def live(self) -> Sequence[ShownView]:
        return newest(map(shown_view, self.metrics.live), 10)

    async def metrics_text(self) -> str:
        return self.metrics.as_text()

    async def why(self, url: str, persona: Persona, publication: Publication) -> str:
        if not url.startswith(("/", "https:")):
            raise RequestError(f"`{url}` is not a page")
        return f"{url} by {publication.version} for {persona}: <winner>"

    async def seen(self, visitor: str) -> Sequence[View]:
        return [view for view in self.views if view.visitor == visitor]

    async def load(self, files: dict[str, bytes]) -> Loaded:
        return load(files)

    async def mend(self, files: dict[str, bytes], name: str) -> bytes:
        return mended(files, lambda files: load(files).findings)[0][name]

    async def groups(self) -> SegmentSurvey:
        return self.surveyed

    async def results(self, days: int, by: str, patience: float) -> ResultsStatus:
        return self.looked

    async def typed(self, text: str) -> ConditionSize:
        if "orders" in text:
            return ConditionSize(Size("", 1_200, 0.12, 0.1, 0.14), 10_000, 2_000)
        finding = Finding("R101", "I do not know <this>", Place("when", 2, 1, 2), "mend it")
        return ConditionSize(None, 10_000, 2_000, (finding,))

    async def plan(self) -> Outlook:
        return self.planned

    async def publish(self, author: str, message: str, compared: str = "") -> None:
        if compared not in ("", self.planned.compared):
            raise OperatorError("not published: somebody changed a file", help="read again")
        action = Action.REQUESTED if self.planned.must_be_approved else Action.PUBLISHED
        self.versions.publish(self.files, author=author, message=message, now=self.now(), action=action)

    async def approve(self, number: int, author: str) -> None:
        self.versions.approve(number, author=author, now=self.now())

    async def roll_back(self, number: int, author: str) -> None:
        self.versions.roll_back(number, author=author, message="", now=self.now())

    async def export(self, visitor_id: str) -> dict[str, object]:
        return {"ids": [visitor_id]}

    async def erase(self, visitor_id: str) -> Receipt:
        if not self.is_ready:
            raise StoreError("it is down")
        return Receipt(visitor_id, 1, "2026-11-23T12:00:00Z", {"events": 3}, {"events": int(self.is_late)})

    async def change_products(self, changes: list[dict[str, Any]]) -> ProductsChanged:
        return await change(self.hub, changes)

    async def purge(self, purge: Purge) -> Purged:
        self.purged.append(purge)
        return Purged(3, workers=2, confirmed=2 - self.is_late, everywhere=not self.is_late)


def browser(site: Shop, *, token: str = "", host: str = "127.0.0.1:8081") -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(create_studio(site, token=token)), base_url=f"http://{host}", verify=False
    )


async def test_the_first_page_lists_rules_links_and_state() -> None:
    async with browser(Shop()) as client:
        page = await client.get("/")
    assert page.status_code == 200
    assert "Winter &lt;sale&gt;" in page.text
    assert "http:&#x2f;&#x2f;127.0.0.1:8080&#x2f;" in page.text
    assert published().version in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]


MANY = "rules:\n" + "".join(f"  - {{name: R{n}x, slot: home.hero, show: nothing new}}\n" for n in range(250))


async def test_the_first_page_shows_part_of_many_rules_and_finds_the_others() -> None:
    loaded = load({"a.rules.yaml": MANY.encode(), "slots.yaml": b"slots: {home.hero: {}}"}).publication
    findings = [Finding("R101", "wrong", Place("a.rules.yaml", 9, 5, 12), "mend it") for _ in range(150)]
    async with browser(Shop(publication=loaded, findings=findings)) as client:
        first, second = (await client.get("/")).text, (await client.get("/?page=2")).text
        found, none = (await client.get("/?find=r249x")).text, (await client.get("/?find=winter")).text
        one, every = (
            (await client.get("/api/status?find=r249x&page=1")).json(),
            (await client.get("/api/status")).json(),
        )
    assert first.count('<tr id="rule-') == 100 and ">R99x<" in first and ">R100x<" not in first
    assert "And 50 more" in first
    assert 'id="rule-101"' in second and "101 to 200 of 250" in second
    assert ">R249x<" in found and found.count('<tr id="rule-') == 1 and "1 of 250" in found
    assert "No rule has all of these words" in none
    assert [rule["name"] for rule in one["rules"]] == ["R249x"]
    assert len(every["rules"]) == 250 and len(every["findings"]) == 150


class Away(Shop):
    async def groups(self) -> SegmentSurvey:
        raise StoreError("the store is away", help="start it")


async def test_a_page_that_cannot_be_shown_says_why_and_leads_on() -> None:
    async with browser(Away()) as client:
        page = await client.get("/segments", headers={"accept": "text/html"})
        none = await client.get("/none", headers={"accept": "text/html,*/*"})
        program = await client.get("/segments")
    assert (page.status_code, none.status_code, program.status_code) == (503, 404, 503)
    assert "The store is away." in page.text and 'href="/results"' in page.text and 'role="alert"' in page.text
    assert "the studio has no such page" in none.text
    assert program.text.startswith("the store is away")


async def test_problems_degrade_readiness_and_are_listed() -> None:
    finding = Finding("R101", 'I do not know "priorty" in a rule', Place("a.rules.yaml", 9, 5, 12), "mend it")
    async with browser(
        Shop(findings=[finding], is_ready=False, why_not_stored="the disk is full", is_tight=True)
    ) as client:
        ready, page = (await client.get("/readyz")).json(), await client.get("/")
    assert ready["state"] == "degraded"
    assert [reason.split(";")[0] for reason in ready["reasons"]] == [
        "the rules folder has a problem",
        "profiles cannot be read",
        "events cannot be stored, and who sends them is asked to try again: the disk is full",
        "memory is nearly used up",
    ]
    assert "a.rules.yaml:9" in page.text


async def test_an_origin_that_keeps_failing_degrades_readiness() -> None:
    async with browser(Shop(left_alone=["origin `http://shop` refused the connection"])) as client:
        ready = (await client.get("/readyz")).json()
    assert ready["causes"] == ["origin"]
    assert ready["reasons"] == ["origin `http://shop` refused the connection; it is asked only now and then"]


async def test_a_worker_that_takes_no_more_requests_says_so() -> None:
    async with browser(Shop(is_tight=True, is_full=True)) as client:
        assert (await client.get("/readyz")).json()["reasons"] == [
            "memory is used up; only what is stored is answered, all else gets 503"
        ]


async def test_a_store_that_drops_what_it_stored_degrades_readiness() -> None:
    async with browser(Shop(is_forgetful=True)) as client:
        (reason,) = (await client.get("/readyz")).json()["reasons"]
    assert reason.endswith("set its `maxmemory-policy` to noeviction")


async def test_without_any_rules_it_says_so_and_stands() -> None:
    finding = Finding("R202", "there is no rule file in this folder", Place("*.rules.yaml", 1, 1, 2), "write a rule")
    async with browser(Shop(publication=None, findings=[finding])) as client:
        assert "No rule is being served." in (await client.get("/")).text
        assert (await client.get("/readyz")).json()["reasons"] == [
            "there is no rule file in this folder; no rules are being served"
        ]


async def test_the_live_list_has_the_newest_first() -> None:
    site = Shop()
    for at, path in ((1.0, b"/"), (2.0, b"/sale")):
        decisions = (Decision("home.hero", "b", Reason.TARGETING_MATCH, "Sale", "rule"),)
        site.metrics.show(at, path, Decided.by(decisions))
    async with browser(site) as client:
        shown = (await client.get("/api/live")).json()
    assert [row["path"] for row in shown] == ["/sale", "/"]
    assert shown[0]["slots"] == {"home.hero": "Sale"}


async def test_a_warning_degrades_nothing() -> None:
    warning = Finding("R505", "a product is left out", Place("products.jsonl", 2, 1, 2), "mend it", is_warning=True)
    async with browser(Shop(findings=[warning])) as client:
        assert (await client.get("/readyz")).json()["state"] == "ready"
        assert "R505 (warning) a product is left out" in (await client.get("/")).text
