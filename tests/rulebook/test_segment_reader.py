"""Who is in which segments, and until when."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.model import Event, Item, Profile
from proxy.rulebook.compile import Publication, load
from proxy.rulebook.segment_reader import SOON_SECONDS, SegmentReader, unforeseen

NOON = 1_795_435_200.0
HOUR, DAY = 3_600.0, 86_400.0
RULES = """
scores:
  interest: {points: {viewed: 1, bought: 10}, halves every: 2 days, at most: 50}
segments:
  Lookers: {when: {viewed: {times: at least 2, within: 14 days}}}
  Left their cart: {when: {added to cart: {within: 2 days, then not: bought within 2 hours}}}
  Fresh: {when: {days since last order: at most 30}}
  Keen: {when: {interest: at least 3}}
  Big: {when: {segment: [Keen, Fresh], orders: at least 1}}
  Here now: {when: {viewed: {within: this visit}}}
  Sale time: {when: {date: before 2026-12-01}}
  Young: {when: {member since: in the last 10 days}}
  Years with us: {when: {member since: every year in the last 6 days}}
  On a phone: {when: {device: phone}}
  At weekends: {when: {weekday: [saturday, sunday]}}
  Mixed: {when: {segment: [On a phone, At weekends]}}
  By day: {when: {segment: Left their cart, hours: between 09:00 and 21:00}, unless: {weekday: sunday}}
rules: []
"""
ATTRIBUTES = b"attributes: {member since: date}"


def publication() -> Publication:
    loaded = load({"a.rules.yaml": RULES.encode(), "attributes.yaml": ATTRIBUTES})
    assert loaded.publication is not None, loaded.findings
    return loaded.publication


PUBLICATION = publication()
ITEM = (Item("A", "shoes"),)


def seen(profile: Profile, now: float, *only: str) -> tuple[frozenset[str], float]:
    reader = SegmentReader(PUBLICATION, now, only or None)
    known = reader.known(profile, reader.asked)
    return reader.segments(known), reader.holds_until(profile, known)


def did(*events: tuple[str, float], **attributes: str) -> Profile:
    history = tuple(Event(NOON - ago, f"e{place}", kind, "/", ITEM) for place, (kind, ago) in enumerate(events))
    return Profile("anna", attributes, history=tuple(sorted(history)))


NAMES = "leaves, did not yet, did not, amount, never again, fades, nested, date, since, nothing, weekday, hour"
VIEWED, ADDED, ORDER = "product viewed", "product added", "order completed"


@pytest.mark.parametrize(
    ("profile", "segment", "is_in", "until"),
    [
        (did((VIEWED, DAY), (VIEWED, 13 * DAY)), "Lookers", True, NOON + DAY),
        (did((ADDED, HOUR)), "Left their cart", False, NOON + HOUR),
        (did((ADDED, 3 * HOUR)), "Left their cart", True, NOON + 2 * DAY - 3 * HOUR),
        (did((ORDER, 29 * DAY)), "Fresh", True, NOON + DAY),
        (did((ORDER, 31 * DAY)), "Fresh", False, inf),
        (did((ORDER, 0.0)), "Keen", True, NOON + 2 * DAY * 1.7369655941662063),
        (did((ORDER, 0.0)), "Big", True, NOON + 2 * DAY * 1.7369655941662063),
        (did(), "Sale time", True, 1_796_083_200.0),
        (did(**{"member since": "2026-11-20"}), "Young", True, 1_796_083_200.0 - DAY),
        (did(), "Fresh", False, inf),
        (did(), "At weekends", False, NOON + 4.5 * DAY),
        (did((ADDED, 3 * HOUR)), "By day", True, NOON + 9 * HOUR),
        (did(), "By day", False, inf),
    ],
    ids=[*NAMES.split(", "), "no hour"],
)
def test_a_change_by_time_alone_is_foreseen_to_the_millisecond(
    profile: Profile, segment: str, is_in: bool, until: float
) -> None:
    segments, holds_until = seen(profile, NOON, segment)
    assert (segment in segments) is is_in
    assert holds_until == pytest.approx(until, abs=0.002)
    if until < inf:
        assert (segment in seen(profile, holds_until - 0.01, segment)[0]) is is_in
        after = seen(profile, holds_until, segment)[0]
        assert (segment in after) is not is_in or segment == "Big"


def test_only_what_is_asked_for_is_looked_at() -> None:
    segments, _ = seen(did((ORDER, 0.0), (VIEWED, 0.0), (VIEWED, 1.0)), NOON, "big")
    assert segments == {"Big", "Keen", "Fresh"}


def test_what_cannot_be_known_between_requests_is_reported() -> None:
    assert unforeseen(PUBLICATION, "Big") == {}
    assert unforeseen(PUBLICATION, "On a phone") == {"device": "only a request tells it"}
    assert list(unforeseen(PUBLICATION, "Mixed")) == ["device"]


EVENTS = st.lists(
    st.tuples(st.sampled_from([VIEWED, ADDED, ORDER]), st.integers(0, 40 * 24).map(lambda hours: hours * HOUR)),
    max_size=5,
)
FORESEEN = (
    "Lookers",
    "Left their cart",
    "Fresh",
    "Keen",
    "Big",
    "Here now",
    "Sale time",
    "Young",
    "Years with us",
    "At weekends",
    "By day",
)


@settings(deadline=None)
@example([(VIEWED, 0.0)] * 3, 1.0)  # at the very moment they have just the points that are asked for
@given(EVENTS, st.floats(0.0, 1.0))
def test_until_then_nothing_changes(events: list[tuple[str, float]], part: float) -> None:
    profile = did(*events, **{"member since": "2026-11-20"})
    segments, until = seen(profile, NOON, *FORESEEN)
    later = NOON + max(min(until, NOON + 60 * DAY) - 2 * SOON_SECONDS - NOON, 0.0) * part
    fresh = did(*events, **{"member since": "2026-11-20"})
    assert seen(fresh, later, *FORESEEN)[0] == segments


@settings(deadline=None, max_examples=30)
@given(EVENTS)
def test_going_from_moment_to_moment_sees_every_change(events: list[tuple[str, float]]) -> None:
    """Looking only when something is due sees what looking every hour does."""
    profile, due, by_moments = did(*events), NOON, {}
    while due < NOON + 20 * DAY:
        segments, until = seen(profile, due, *FORESEEN)
        by_moments[due] = segments
        assert until > due
        due = until
    for hour in range(0, 20 * 24, 7):
        now = NOON + hour * HOUR + 1.0
        expected = by_moments[max(moment for moment in by_moments if moment <= now)]
        assert seen(did(*events), now, *FORESEEN)[0] == expected
