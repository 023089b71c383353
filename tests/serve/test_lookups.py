from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.http.message import HeaderSet, Question
from proxy.httpcache.overrides import CacheOverrides, CookieRoles
from proxy.httpcache.stored import CacheOptions, stored_response
from proxy.metrics import Tally
from proxy.model import Consent
from proxy.page.page_subject import PageSubject
from proxy.page.template import Template, cut_at
from proxy.rulebook.policy import PagePolicy
from proxy.serve.lookups import SHARE, Lookups
from proxy.serve.pages import Entry
from proxy.visitors.capture import Page
from proxy.visitors.equivalence import EquivalenceClasses
from proxy.visitors.inputs import Inputs
from proxy.visitors.view_content import ViewContent
from tests.page.cutting import cut
from tests.wire.site import NOON, PAGE, in_segment, published, shown

PUBLICATION = published(shown("Hello VIP", when=in_segment("vip")))
HEADERS = ((b"content-type", b"text/html"), (b"cache-control", b"max-age=60"))
ROOM = 4_000_000
TOLD = Page(PageSubject(), ViewContent("/", {}))
COOKIES_MATTER = PagePolicy("/", CacheOverrides(cookies=CookieRoles((), (), ())))


def asking(path: bytes = b"/", method: bytes = b"GET") -> Question:
    return Question(HeaderSet(((b"host", b"shop.example"),), b"shop.example", "http", "gzip"), method, path, b"", None)


def page(body: bytes = PAGE, status: int = 200) -> Entry:
    template = cut(body, path="/", charset="utf-8", declared=(), max_slots=9)
    template = template if isinstance(template, Template) else cut_at(body, ())
    return Entry(stored_response(status, HEADERS, body, NOON, NOON, CacheOptions()), (), (), template)


def learned(question: Question, entry: Entry, policy: PagePolicy | None = None) -> bool:
    assert entry.template is not None
    inputs = Inputs.of(PUBLICATION, entry.template.slots)
    question.request_values = inputs, ()
    lookups = Lookups(ROOM)
    lookups.learn(
        question,
        b"key",
        replace(entry, policy=policy),
        inputs,
        EquivalenceClasses(inputs, Tally()),
        Consent.PROFILE,
        TOLD,
    )
    return lookups.get(question) is not None


def test_a_page_that_is_filled_has_a_way_whose_words_are_remembered() -> None:
    question, entry, lookups = asking(), page(), Lookups(ROOM)
    inputs = Inputs.of(PUBLICATION, ("home.hero",))
    question.request_values = inputs, ("nl",)
    classes = EquivalenceClasses(inputs, Tally())
    lookups.learn(question, b"its key", entry, inputs, classes, Consent.PROFILE, TOLD)
    lookup = lookups.get(question)
    assert lookup is not None
    assert (lookup.key, lookup.entry, lookup.inputs, lookup.classes, lookup.request_values, lookup.consent) == (
        b"its key", entry, inputs, classes, ("nl",), Consent.PROFILE,
    )  # fmt: skip
    assert (lookup.template, lookup.lead, lookup.memo_entry) == (entry.template, entry.lead, entry.memo_entry)
    assert (lookup.view_content, lookup.needs_full_view) == (TOLD.view_content, False)
    lookups.learn(question, b"its key", page(), inputs, classes, Consent.PROFILE, None)
    lookup = lookups.get(question)
    assert lookup is not None and lookup.needs_full_view


@pytest.mark.parametrize(
    ("question", "entry", "policy"),
    [
        (asking(method=b"HEAD"), page(), None),
        (asking(), page(b"<p>no slots"), None),
        (asking(), page(status=404), None),
        (asking(), page(), COOKIES_MATTER),
    ],
    ids=["a head", "no slots", "an error", "other cookies matter"],
)
def test_what_depends_on_more_has_none(question: Question, entry: Entry, policy: PagePolicy | None) -> None:
    assert learned(asking(), page(), PagePolicy("/"))
    assert not learned(question, entry, policy)


def test_what_a_request_says_to_other_slots_is_no_way() -> None:
    question, lookups, inputs = asking(), Lookups(ROOM), Inputs.of(PUBLICATION, ("home.hero",))
    question.request_values = replace(inputs), ()
    lookups.learn(question, b"key", page(), inputs, EquivalenceClasses(inputs, Tally()), Consent.PROFILE, TOLD)
    assert lookups.get(question) is None


def test_a_way_leads_to_what_answered_last_and_ends_with_the_rules() -> None:
    question, lookups, inputs = asking(), Lookups(ROOM), Inputs.of(PUBLICATION, ("home.hero",))
    question.request_values = inputs, ()
    for entry in (page(), page()):
        lookups.learn(question, b"key", entry, inputs, EquivalenceClasses(inputs, Tally()), Consent.PROFILE, TOLD)
        lookup = lookups.get(question)
        assert lookup is not None and lookup.entry is entry
    lookups.clear()
    assert lookups.get(question) is None


def test_a_way_ends_with_what_it_leads_to() -> None:
    lookups, inputs, questions = (
        Lookups(ROOM),
        Inputs.of(PUBLICATION, ("home.hero",)),
        [asking(b"/%d" % n) for n in range(3)],
    )
    for question, key in zip(questions, (b"one", b"one", b"two"), strict=True):
        question.request_values = inputs, ()
        lookups.learn(question, key, page(), inputs, EquivalenceClasses(inputs, Tally()), Consent.PROFILE, TOLD)
    lookups.drop_key(b"one")
    lookups.drop_key(b"nowhere")
    assert [lookups.get(question) is None for question in questions] == [True, True, False]
    lookups.drop_key(b"two")
    assert (lookups.used_bytes, lookups._questions_by_key) == (0, {})


def test_only_so_many_ways_are_remembered() -> None:
    lookups, inputs, entry = Lookups(ROOM), Inputs.of(PUBLICATION, ("home.hero",)), page()
    for number in range(1_000):
        question = asking(b"/%d" % number)
        question.request_values = inputs, ()
        lookups.learn(question, b"key", entry, inputs, EquivalenceClasses(inputs, Tally()), Consent.PROFILE, TOLD)
        assert lookups.used_bytes <= SHARE * ROOM
        assert sum(map(len, lookups._questions_by_key.values())) == len(lookups.known)
    assert 10 < len(lookups.known) < 1_000
    assert lookups.get(question) is not None
