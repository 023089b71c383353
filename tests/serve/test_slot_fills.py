"""What slots are filled with on a page that is not kept is what they would be filled with if nothing were known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.bucketing import BUCKETS
from proxy.http.message import HeaderSet, Question
from proxy.model import Cap, Draw, Fact, Measure, OneOf, Reading
from proxy.page.slots import DeclaredSlot
from proxy.page.template import Template
from proxy.rulebook.compile import Publication
from proxy.serve.showing import Who
from proxy.serve.slot_fills import FillCache, SlotFills
from proxy.serve.slot_maps import SlotMap
from tests.page.cutting import cut
from tests.serve.test_showing import Broken
from tests.wire.site import Site, in_segment, published, shown

PAGE = (
    b'<!doctype html><div data-slot="home.hero">ours</div><div data-slot="home.side"></div><main>the rest</main>'
    b'<div data-slot="home.hero">again</div>'
)
OTHER = PAGE.replace(b"hero", b"foot")
DECLARED: tuple[DeclaredSlot, ...] = ()
ALL = published(shown("For all"), shown("Side", "home.side", order=1))
VIPS = published(shown("VIPs", when=in_segment("vip")), shown("Side", "home.side", order=1))
DUTCH = published(shown("Dutch", when=Fact("language", OneOf(frozenset({"nl"})))))
NAMED = published(shown("Hello {name|you}"), shown("Side", "home.side", order=1))
NOBODY = published()
ONCE = Cap("once", Measure(Reading.COUNT, ("banner shown",)), 1.0)


def outline_of(page: bytes) -> SlotMap:
    template = cut(page, path="/", charset="utf-8", declared=DECLARED, max_slots=9)
    assert isinstance(template, Template)
    return SlotMap.by(template, ())


OUTLINE = outline_of(PAGE)
HEADER_SET = HeaderSet(((b"host", b"shop.example"), (b"accept-language", b"nl")), b"shop.example", "http", "gzip")
QUESTION = Question(HEADER_SET, b"GET", b"/", b"", None)


class Shown:
    """The pages of a site, as they are filled by what is known of others."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.showing = site.gateway._showing
        self.insets = FillCache(self.showing, site.metrics)

    async def met(self, visitor: str, *segments: str) -> tuple[bytes, Who]:
        name, cookies = self.site.visitor(visitor, *segments)
        request = self.site.request(b"/", (name, cookies))
        return cookies, await self.showing.recognise_waiting(outline_of(PAGE).of(PAGE), request, self.site.now)

    async def fills(self, visitor: str, *segments: str, page: bytes = PAGE, language: bytes = b"nl") -> SlotFills:
        """That of a visitor's page, which has to be what it would be without any memory."""
        cookies, met = await self.met(visitor, *segments)
        request = self.site.request(b"/", (b"cookie", cookies), (b"accept-language", language))
        slot_map, now = outline_of(page), self.site.now
        fills = self.insets.of(slot_map, request, met, now)
        chunks, etag = slot_map.filled(memoryview(page), (), fills.contents, self.showing.filling.key)
        plain = self.showing.show(slot_map.of(page), request, met, now, "identity").page
        assert (b"".join(chunks), etag) == (b"".join(plain.chunks), plain.etag)
        return fills

    async def again(self, visitor: str, *segments: str) -> SlotFills | None:
        """Asks twice as a browser does: what comes of the second time, where the number of the first is known."""
        own = {b"cookie": b"session=1; " + self.site.visitor(visitor, *segments)[1]}
        request, now = QUESTION.request(own, ""), self.site.now
        met = await self.showing.recognise_waiting(OUTLINE, request, now)
        self.insets.repeat(OUTLINE, QUESTION, own, now)  # who has no number yet gets one
        first = self.insets.of(OUTLINE, request, met, now)
        again = self.insets.repeat(OUTLINE, QUESTION, own, now)
        assert again is None or again is first
        return again


@pytest.mark.parametrize("rules", [ALL, VIPS, DUTCH, NAMED, NOBODY], ids=["all", "vips", "dutch", "named", "none"])
async def test_a_page_is_filled_as_without_memory_whoever_came_before(rules: Publication) -> None:
    async with Site("http://127.0.0.1:1", publication=rules) as site:
        await site.remember("anna", name="Anna <3")
        shown = Shown(site)
        for page in (PAGE, OTHER, PAGE):
            for visitor, segments in (("anna", ()), ("ben", ("vip",)), ("cleo", ("vip", "b")), ("dora", ())):
                for language in (b"nl", b"fr"):
                    await shown.fills(visitor, *segments, page=page, language=language)


async def test_visitors_of_one_class_share_slot_fills() -> None:
    async with Site("http://127.0.0.1:1", publication=VIPS) as site:
        shown = Shown(site)
        first = await shown.fills("anna", "vip")
        assert await shown.fills("ben", "vip") is first
        assert await shown.fills("ben", "vip", page=PAGE.replace(b"rest", b"other words")) is first
        assert await shown.fills("cleo") is not first
        assert await shown.fills("ben", "vip", page=OTHER) is not first
        shown.showing.publish(replace(VIPS, version="v2"))
        assert await shown.fills("ben", "vip") is not first


async def test_a_visitors_own_words_are_nobody_elses() -> None:
    async with Site("http://127.0.0.1:1", publication=NAMED) as site:
        await site.remember("anna", name="Anna")
        shown = Shown(site)
        first = await shown.fills("anna")
        assert await shown.fills("anna") is not first


async def test_what_is_shown_is_counted_and_a_fragment_that_raises_costs_the_banners_alone() -> None:
    broken = replace(ALL, fragments={variant: Broken(()) for variant in ALL.fragments})
    async with Site("http://127.0.0.1:1", publication=ALL) as site:
        shown = Shown(site)
        for _ in range(3):
            await shown.fills("anna")
        assert site.metrics.get("tailorbird_rule_matches_total", "rule 0") == 12  # each is shown in both ways
        shown.showing.publish(broken)
        assert (await shown.fills("anna")).contents == (None, None, None)
        assert site.metrics.get("tailorbird_decide_errors_total") == 2


@pytest.mark.parametrize("rules", [ALL, VIPS, DUTCH, NOBODY], ids=["all", "vips", "dutch", "none"])
async def test_whose_number_is_kept_is_shown_the_same_and_counted_the_same(rules: Publication) -> None:
    async with Site("http://127.0.0.1:1", recorded_a_second=0, publication=rules) as site:
        shown = Shown(site)
        for visitor, segments in (("anna", ("vip",)), ("ben", ()), ("cleo", ("vip", "b"))):
            before = dict(site.metrics.by_value("tailorbird_rule_matches_total"))
            again = await shown.again(visitor, *segments)
            assert again is not None
            after = site.metrics.by_value("tailorbird_rule_matches_total")
            rules_shown = [decision.rule for decision in again.decisions if decision.rule]
            assert all(after[rule] - before.get(rule, 0) == 2 * rules_shown.count(rule) for rule in rules_shown)
            assert site.metrics.live[-1] == site.metrics.live[-2]


async def test_whatever_may_have_changed_since_takes_the_longer_way() -> None:
    async with Site("http://127.0.0.1:1", recorded_a_second=0, publication=VIPS) as site:
        shown = Shown(site)
        own = {b"cookie": site.visitor("anna", "vip")[1]}

        def again() -> SlotFills | None:
            return shown.insets.repeat(OUTLINE, QUESTION, own, site.now)

        assert await shown.again("anna", "vip") is not None
        assert again() is not None
        site.profiles.invalidate(["anna"])
        assert again() is None
        assert await shown.again("anna", "vip") is not None
        site.now += 86_400  # the segments do not count any more
        assert again() is None
        site.now -= 86_400
        assert await shown.again("anna", "vip") is not None
        shown.showing.publish(replace(VIPS, version="v2"))
        assert again() is None


@pytest.mark.parametrize(
    ("rules", "is_known"),
    [
        (published((replace(shown("All")[0], draws=(Draw("rollout:all", ((0.0, BUCKETS),)),)), "All")), True),
        (published((replace(shown("Once")[0], caps=(ONCE,)), "Once")), True),
        (NAMED, False),
    ],
    ids=["chance", "limits", "words"],
)
async def test_where_words_have_a_say_nobody_goes_by_a_number(rules: Publication, is_known: bool) -> None:
    async with Site("http://127.0.0.1:1", recorded_a_second=0, publication=rules) as site:
        await site.remember("anna", name="Anna")
        assert (await Shown(site).again("anna") is not None) is is_known


async def test_visitors_who_refuse_profiling_have_no_class() -> None:
    async with Site(
        "http://127.0.0.1:1", recorded_a_second=0, publication=ALL, consent=("own",), consent_default="contextual"
    ) as site:
        assert await Shown(site).again("anna") is None
