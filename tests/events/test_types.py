from __future__ import annotations

from proxy.events import ga4, segment
from proxy.events.types import BY_GA4, BY_KIND, BY_SEGMENT, MOST, TYPES, EventClass, class_of, classes_of
from proxy.model import Event


def test_every_kind_and_every_name_from_outside_means_one_thing() -> None:
    assert len(BY_KIND) == len(TYPES)
    assert len(BY_SEGMENT) == len([row for row in TYPES if row.segment])
    assert len(BY_GA4) == len([row for row in TYPES if row.ga4])


def test_every_kind_says_what_it_is_and_what_it_needs() -> None:
    for row in TYPES:
        assert row.help, row.kind
        assert row.needs in ("", "items", "subject"), row.kind


def test_the_properties_of_every_subject_are_known() -> None:
    for row in TYPES:
        if row.needs == "subject":
            needs = f"SUBJECTS does not say which properties the subject of `{row.kind}` is read from"
            assert not row.segment or row.kind in segment.SUBJECTS, f"proxy/events/segment.py: {needs}"
            assert not row.ga4 or row.kind in (*ga4.SUBJECTS, "page viewed"), f"proxy/events/ga4.py: {needs}"


def test_whatever_is_remembered_has_a_bound() -> None:
    assert {row.event_class for row in TYPES} - {EventClass.NONE} == set(MOST)


def test_money_and_identity_are_told_by_servers_alone() -> None:
    """Whoever opens a shop can read its public key."""
    assert {row.kind for row in TYPES if row.is_server_only} == {
        "order completed",
        "order refunded",
        "order cancelled",
        "aliased",
        "joined",
        "parted",
        "segment entered",
        "segment left",
        "profile imported",
    }


def test_a_page_view_that_names_banners_is_also_among_what_was_shown() -> None:
    assert classes_of(Event(1.0, "a", "page viewed")) == (EventClass.ACTION,)
    assert classes_of(Event(1.0, "a", "page viewed", shown=("Sale",))) == (EventClass.ACTION, EventClass.EXPOSURE)
    assert classes_of(Event(1.0, "a", "banner shown", shown=("Sale",))) == (EventClass.EXPOSURE,)


def test_a_kind_that_nobody_knows_is_not_remembered() -> None:
    assert class_of("order completed") is EventClass.ORDER
    assert class_of("was once a kind") is EventClass.NONE
