"""The page about segments, and how many a typed condition is true of."""

from __future__ import annotations

from collections.abc import AsyncIterator

from proxy.audience.drivers import Driver
from proxy.audience.segments import Overlap, Size
from proxy.audience.survey import ConditionSize, SegmentSurvey, SurveyedSegment
from proxy.diagnostics import Finding
from proxy.model import Place
from proxy.studio.segments import ProblemView, typed_view
from tests.studio.test_app import Shop, browser

GOLD = SurveyedSegment(
    Size("<Gold>", 1_200, 0.12, 0.1, 0.14),
    "who buys often",
    "a.rules.yaml:3",
    (Driver("country: NL", 0.6, 0.2, 3.0, 2.0, 4.5),),
)

STAGE = Size("journey stage: interest", 1, 0.001, 0.0, 0.002)


async def test_the_page_lists_segments_with_share_interval_and_what_sets_them_apart() -> None:
    surveyed = SegmentSurvey(10_000, 2_000, (GOLD,), (Overlap("<Gold>", "New", 30, 0.25),), (STAGE,))
    async with browser(Shop(surveyed=surveyed)) as client:
        page = (await client.get("/segments")).text
    for told in (
        "Of 10,000 visitors, from 2,000 drawn at random",
        "&lt;Gold&gt;",
        "who buys often",
        "12.0%",
        "between 10.0% and 14.0%",
        "country: NL, 3.0 times as often",
        "25% of &lt;Gold&gt; and New together are in both",
        '<a class="place" href="/file?name=a.rules.yaml&amp;line=3">a.rules.yaml:3</a>',
        "journey stage: interest: 1 visitor, 0.1% (between 0.0% and 0.2%)",
    ):
        assert told in page


async def test_where_nobody_is_known_and_no_segment_described_it_says_so() -> None:
    async with browser(Shop()) as client:
        page = (await client.get("/segments")).text
    assert "Nobody is known yet." in page
    assert "No rule file describes a segment yet." in page


async def test_a_typed_condition_is_counted_or_its_mistakes_are_told() -> None:
    async with browser(Shop()) as client:
        good = (await client.post("/api/segments/size", content="orders: at least 3")).json()
        bad = (await client.post("/api/segments/size", content="a: b\nordrs: 3")).json()
    assert good == {"said": "about 1,200 visitors, 12.0% (between 10.0% and 14.0%)", "width": 12, "problems": []}
    assert bad["problems"] == [{"line": 2, "what": "I do not know <this>", "help": "mend it"}]


async def test_a_condition_without_end_is_not_read_to_its_end() -> None:
    sent = []

    async def condition() -> AsyncIterator[bytes]:
        for number in range(1_000):
            sent.append(number)
            yield b"x" * 1_000

    async with browser(Shop()) as client:
        assert (await client.post("/api/segments/size", content=condition())).status_code == 413
    assert len(sent) < 20


def test_what_is_to_be_known_of_a_count_stands_beside_it() -> None:
    known = Finding("L7", "only a request tells it", Place("when", 2, 1, 2), "look at pages", is_warning=True)
    view = typed_view(ConditionSize(Size("", 0, 0.0, 0.0, 0.0), 10, 10, (known,)))
    assert (view.said, view.problems) == (
        "0 visitors, 0.0%",
        [ProblemView(2, "only a request tells it", "look at pages")],
    )
