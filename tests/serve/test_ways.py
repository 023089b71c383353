from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proxy.http.message import Habit, Question
from proxy.httpcache.allowance import Allowance, CookieRoles
from proxy.httpcache.stored import Choices, store
from proxy.metrics import Tally
from proxy.model import Consent
from proxy.page.about import About
from proxy.page.template import Template, cut, cut_at
from proxy.rulebook.policy import PagePolicy
from proxy.serve.pages import Entry
from proxy.serve.ways import SHARE, Ways
from proxy.visitors.alike import Alikes
from proxy.visitors.asked import Asked
from proxy.visitors.capture import Page
from proxy.visitors.telling import Telling
from tests.wire.site import NOON, PAGE, in_segment, published, shown

PUBLICATION = published(shown("Hello VIP", when=in_segment("vip")))
HEADERS = ((b"content-type", b"text/html"), (b"cache-control", b"max-age=60"))
ROOM = 4_000_000
TOLD = Page(About(), Telling("/", {}))
COOKIES_MATTER = PagePolicy("/", Allowance(cookies=CookieRoles((), (), ())))


def asking(path: bytes = b"/", method: bytes = b"GET") -> Question:
    return Question(Habit(((b"host", b"shop.example"),), b"shop.example", "http", "gzip"), method, path, b"", None)


def page(body: bytes = PAGE, status: int = 200) -> Entry:
    template = cut(body, path="/", charset="utf-8", declared=(), max_slots=9)
    template = template if isinstance(template, Template) else cut_at(body, ())
    return Entry(store(status, HEADERS, body, NOON, NOON, Choices()), (), (), template)


def learned(question: Question, entry: Entry, policy: PagePolicy | None = None, **asks: Any) -> bool:
    assert entry.template is not None
    asked = replace(Asked.by(PUBLICATION, entry.template.slots), **asks)
    question.said = asked, ()
    ways = Ways(ROOM)
    ways.learn(question, b"key", replace(entry, policy=policy), asked, Alikes(asked, Tally()), Consent.PROFILE, TOLD)
    return ways.get(question) is not None


def test_a_page_that_is_filled_has_a_way_whose_words_are_remembered() -> None:
    question, entry, ways = asking(), page(), Ways(ROOM)
    asked = Asked.by(PUBLICATION, ("home.hero",))
    question.said = asked, ("nl",)
    alikes = Alikes(asked, Tally())
    ways.learn(question, b"its key", entry, asked, alikes, Consent.PROFILE, TOLD)
    way = ways.get(question)
    assert way is not None
    assert (way.key, way.entry, way.asked, way.alikes, way.said, way.agreed) == (
        b"its key", entry, asked, alikes, ("nl",), Consent.PROFILE,
    )  # fmt: skip
    assert (way.template, way.lead, way.recalled) == (entry.template, entry.lead, entry.recalled)
    assert (way.telling, way.is_noted_whole) == (TOLD.telling, False)
    ways.learn(question, b"its key", page(), asked, alikes, Consent.PROFILE, None)
    way = ways.get(question)
    assert way is not None and way.is_noted_whole


@pytest.mark.parametrize(
    ("question", "entry", "policy", "asks"),
    [
        (asking(method=b"HEAD"), page(), None, {}),
        (asking(), page(b"<p>no slots"), None, {}),
        (asking(), page(status=404), None, {}),
        (asking(), page(), COOKIES_MATTER, {}),
        (asking(), page(), None, {"tells_visitors_apart": True}),
    ],
    ids=["a head", "no slots", "an error", "other cookies matter", "products"],
)
def test_what_depends_on_more_has_none(
    question: Question, entry: Entry, policy: PagePolicy | None, asks: dict[str, bool]
) -> None:
    assert learned(asking(), page(), PagePolicy("/"))
    assert not learned(question, entry, policy, **asks)


def test_what_a_request_says_to_other_slots_is_no_way() -> None:
    question, ways, asked = asking(), Ways(ROOM), Asked.by(PUBLICATION, ("home.hero",))
    question.said = replace(asked), ()
    ways.learn(question, b"key", page(), asked, Alikes(asked, Tally()), Consent.PROFILE, TOLD)
    assert ways.get(question) is None


def test_a_way_leads_to_what_answered_last_and_ends_with_the_rules() -> None:
    question, ways, asked = asking(), Ways(ROOM), Asked.by(PUBLICATION, ("home.hero",))
    question.said = asked, ()
    for entry in (page(), page()):
        ways.learn(question, b"key", entry, asked, Alikes(asked, Tally()), Consent.PROFILE, TOLD)
        way = ways.get(question)
        assert way is not None and way.entry is entry
    ways.clear()
    assert ways.get(question) is None


def test_a_way_ends_with_what_it_leads_to() -> None:
    ways, asked, questions = Ways(ROOM), Asked.by(PUBLICATION, ("home.hero",)), [asking(b"/%d" % n) for n in range(3)]
    for question, key in zip(questions, (b"one", b"one", b"two"), strict=True):
        question.said = asked, ()
        ways.learn(question, key, page(), asked, Alikes(asked, Tally()), Consent.PROFILE, TOLD)
    ways.leave(b"one")
    ways.leave(b"nowhere")
    assert [ways.get(question) is None for question in questions] == [True, True, False]
    ways.leave(b"two")
    assert (ways.used_bytes, ways._leading_to) == (0, {})


def test_only_so_many_ways_are_remembered() -> None:
    ways, asked, entry = Ways(ROOM), Asked.by(PUBLICATION, ("home.hero",)), page()
    for number in range(1_000):
        question = asking(b"/%d" % number)
        question.said = asked, ()
        ways.learn(question, b"key", entry, asked, Alikes(asked, Tally()), Consent.PROFILE, TOLD)
        assert ways.used_bytes <= SHARE * ROOM
        assert sum(map(len, ways._leading_to.values())) == len(ways.known)
    assert 10 < len(ways.known) < 1_000
    assert ways.get(question) is not None
