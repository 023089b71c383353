"""The list of rules is shown in pages, and searched by words."""

from __future__ import annotations

import pytest

from proxy.model import AllOf, AnyOf, Fact, OneOf, Place, Rule
from proxy.rulebook.pauses import Pause, What
from proxy.studio.rule_list import PER_PAGE, page_of, rule_view, rules_on_page

NOW = 1_000.0
RULES = [
    Rule(f"Rule x{number}x", "home.hero" if number % 2 else "all.topbar", place=Place("a.rules.yaml", number, 1, 2))
    for number in range(PER_PAGE * 2 + 1)
]


@pytest.mark.parametrize(
    ("live_from", "live_until", "state"),
    [(0, 2_000, "live"), (1_000, 2_000, "live"), (1_001, 2_000, "waiting"), (0, 1_000, "over")],
)
def test_a_rules_schedule_is_read_at_the_moment(live_from: float, live_until: float, state: str) -> None:
    rule = Rule("Sale", "home.hero", live_from=live_from, live_until=live_until)
    assert rule_view(rule, NOW, 0).state == state


def test_a_rule_tells_when_it_begins_or_ends_by_itself() -> None:
    ends = [(2_000.0, 3_000.0, "from 1 Jan 00:33"), (0.0, 3_000.0, "until 1 Jan 00:50"), (0.0, 1_000.0, "")]
    ends.append((0.0, 86_400.0, "until the end of 1 Jan"))
    for live_from, live_until, told in ends:
        assert rule_view(Rule("Sale", "home.hero", live_from=live_from, live_until=live_until), NOW, 0).when == told
    assert not rule_view(Rule("Sale", "home.hero"), NOW, 0).when


@pytest.mark.parametrize(
    "pause", [Pause(What.RULE, "Sale"), Pause(What.SLOT, "home.hero"), Pause(What.EVERYTHING), Pause(What.RULE, "x")]
)
def test_what_was_paused_just_now_is_paused_before_the_rules_are_loaded_again(pause: Pause) -> None:
    assert (rule_view(Rule("Sale", "home.hero"), NOW, 0, [pause]).state == "paused") == (pause.name != "x")


@pytest.mark.parametrize(("priority", "word"), [(80, "high"), (50, "normal"), (20, "low"), (65, "65")])
def test_priorities_are_shown_as_editors_write_them(priority: int, word: str) -> None:
    assert rule_view(Rule("Sale", "home.hero", priority=priority), NOW, 3).priority == word


def test_a_rule_tells_where_it_stands_and_how_often_it_was_shown() -> None:
    view = rule_view(Rule("Sale", "home.hero", place=Place("a.rules.yaml", 7, 5, 9)), NOW, 3)
    assert (view.where, view.shown) == ("a.rules.yaml:7", 3)


def names(find: str, page: int) -> list[str]:
    return [rule.name for rule in rules_on_page(RULES, find, page, NOW)[0]]


def test_a_page_has_its_part_of_the_list_and_all_is_on_page_0() -> None:
    assert names("", 1) == [rule.name for rule in RULES[:PER_PAGE]]
    assert names("", 3) == ["Rule x200x"] and names("", 99) == ["Rule x200x"]
    assert len(names("", 0)) == len(RULES)
    listed = rules_on_page(RULES, "", 2, NOW)[1]
    assert (listed.total, listed.found, listed.pages, listed.before) == (201, 201, 3, 100)


def test_all_words_must_stand_in_the_name_slot_state_or_file() -> None:
    assert names("RULE  x17x hero", 1) == ["Rule x17x"]
    assert names("x17x topbar", 1) == [] and names("rules.yaml:17", 0)[0] == "Rule x17x"
    assert len(names("live", 0)) == len(RULES) and names("waiting", 1) == []
    assert rules_on_page(RULES, "hero", 1, NOW)[1].found == PER_PAGE


def test_a_rule_is_found_on_its_page() -> None:
    assert [page_of(place) for place in (1, PER_PAGE, PER_PAGE + 1)] == [1, 1, 2]


def test_a_rule_is_found_by_what_it_asks_and_by_its_dates() -> None:
    vip = Fact("segment", OneOf(frozenset({"vip"})), "segment: VIP")
    new = Fact("campaign.source", OneOf(frozenset({"newsletter"})), "source: newsletter")
    rules = [
        Rule("Early access", "home.hero", AnyOf((vip, AllOf((new,)))), live_until=90_000.0),
        Rule("Sale", "home.hero"),
    ]
    for find in ("vip", "hero newsletter", "until 2 jan"):
        assert [rule.name for rule in rules_on_page(rules, find, 1, NOW)[0]] == ["Early access"]


def test_what_begins_or_ends_next_is_counted_and_comes_first() -> None:
    day = 86_400.0
    rules = [
        Rule("Later", "s", live_from=NOW + 9 * day),
        Rule("Sooner", "s", live_from=NOW + 2 * day, live_until=NOW + 3 * day),
        Rule("Ends", "s", live_until=NOW + day),
        Rule("Over", "s", live_until=NOW - day),
        Rule("Always", "s"),
    ]
    waiting, listed = rules_on_page(rules, "waiting", 1, NOW)
    assert [rule.name for rule in waiting] == ["Sooner", "Later"] and (listed.beginning, listed.ending) == (1, 1)
    assert [rule.name for rule in rules_on_page(rules, "until", 1, NOW)[0]] == ["Ends"]
