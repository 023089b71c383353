"""The nouns keep the promises others rest on: those that say who is there."""

from __future__ import annotations

from proxy.model import Link, Measure, Profile, Reading, View, measure_name

DEVICES = {"phone": Link(1.0, is_device=True), "lost": Link(2.0, is_device=True, is_parted=True)}


def test_a_person_has_the_devices_that_were_not_split_off() -> None:
    person = Profile("ada", links=DEVICES)
    assert list(person.devices) == ["phone"]
    assert person.alias == ""


def test_a_device_is_its_eldest_persons() -> None:
    links = {"bob": Link(5.0), "ada": Link(3.0), "eve": Link(1.0, is_parted=True)}
    assert Profile("phone", links=links).alias == "ada"


def test_a_view_is_decided_again_by_what_was_known_and_read() -> None:
    seen, other = (Measure(Reading.COUNT, (kind,)) for kind in ("banner shown", "searched"))
    view = View(7.0, "v1", {"hero": "Socks"}, {"country": "DE"}, visitor="ada", readings={measure_name(seen): 2.0})
    context = view.context
    assert (context.targeting_key, context.now, context.attributes) == ("ada", 7.0, {"country": "DE"})
    assert (context.read(seen), context.read(other)) == (2.0, None)
