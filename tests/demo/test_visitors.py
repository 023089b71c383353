from __future__ import annotations

import re

from proxy.demo.visitors import BY_NAME, seeded

NOW = 1_795_000_000.0


def test_four_visitors_are_seeded_under_fixed_ids() -> None:
    profiles = seeded(NOW)
    assert [profile.visitor_id for profile in profiles] == [BY_NAME[name].id for name in ("anna", "ben", "cleo", "dan")]
    assert len({profile.visitor_id for profile in profiles}) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", profile.visitor_id) for profile in profiles)
    assert seeded(NOW) == profiles


def test_each_has_the_segment_that_their_story_tells() -> None:
    segments = {name: visitor.profile(NOW).segments for name, visitor in BY_NAME.items()}
    assert segments == {"anna": {"VIP"}, "ben": {"Trail runners"}, "cleo": {"Cart leavers"}, "dan": set()}


def test_their_attributes_are_what_rules_may_ask() -> None:
    anna, cleo = (BY_NAME[name].profile(NOW).attributes for name in ("anna", "cleo"))
    assert (anna["first name"], anna["orders"], anna["lifetime spend"]) == ("Anna", 6.0, 812.0)
    assert (cleo["cart total"], cleo["days since last visit"]) == (64.0, 2.0)
    for profile in seeded(NOW):
        assert all(isinstance(value, str | float) for value in profile.attributes.values())
