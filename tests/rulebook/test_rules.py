"""One rule: who, where, when."""

from __future__ import annotations

import math

import pytest

from proxy.model import EVERYBODY, LONGEST_SUBJECT, Rule
from proxy.rulebook.rules import priority_text
from tests.rulebook.conftest import Publish


def rule(publish: Publish, *lines: str, head: str = "") -> Rule:
    text = head + "rules:\n  - " + "\n    ".join(["name: A", "slot: home.hero", "show: nothing new", *lines])
    loaded = publish(text)
    assert loaded.publication is not None, loaded.findings
    return loaded.publication.rules[0]


def test_a_rule_that_says_little_shows_to_everybody_always(publish: Publish) -> None:
    plain = rule(publish)
    assert (plain.condition, plain.priority, plain.variant) == (EVERYBODY, 50, "")
    assert (plain.live_from, plain.live_until, plain.timezone) == (-math.inf, math.inf, "UTC")
    assert not plain.needs_verified and str(plain.place) == "a.rules.yaml:2"


@pytest.mark.parametrize(
    ("written", "priority"), [("high", 80), ("normal", 50), ("low", 20), ("0", 0), ("73", 73), ("100", 100)]
)
def test_priority_is_a_word_or_a_number(written: str, priority: int, publish: Publish) -> None:
    assert rule(publish, f"priority: {written}").priority == priority


def test_the_schedule_is_read_on_the_files_clocks(publish: Publish) -> None:
    dated = rule(publish, "from: 2026-11-25 08:00", "until: 2026-11-28", head="timezone: Europe/Amsterdam\n")
    assert (dated.live_from, dated.live_until) == (1795590000.0, 1795820400.0)
    assert dated.timezone == "Europe/Amsterdam"


def test_a_rule_may_need_signed_segments(publish: Publish) -> None:
    assert rule(publish, "needs: verified").needs_verified


def test_a_name_may_be_long_in_any_script_but_not_longer_than_history_keeps_it(publish: Publish) -> None:
    for letter in ("x", "ข", "⛺"):
        text = f"rules:\n  - name: {letter * LONGEST_SUBJECT}\n    slot: home.hero\n    show: nothing new\n"
        assert not publish(text).findings
        (finding,) = publish(text.replace(letter, letter * 2, 1)).findings
        assert (finding.code, finding.place.line) == ("R304", 2)


@pytest.mark.parametrize(
    ("line", "code", "help"),
    [
        ("priority: hihg", "R304", 'did you mean "high"?'),
        ("priority: 101", "R304", "write high, normal, low or a number from 0 to 100"),
        ("priority: -1", "R304", "write high, normal, low or a number from 0 to 100"),
        ("needs: verfied", "R304", 'did you mean "verified"?'),
        ("from: 2026-11-25\n    until: 2026-11-25", "R401", "give it a later end: a date alone is its first minute"),
        ("when: {}", "R104", "write `word: value`, each on its own line, two spaces further in, or remove the line"),
    ],
)
def test_what_is_wrong_is_reported(line: str, code: str, help: str, publish: Publish) -> None:
    loaded = publish(f"rules:\n  - name: A\n    slot: home.hero\n    show: nothing new\n    {line}\n")
    assert [(finding.code, finding.help) for finding in loaded.findings] == [(code, help)]


def test_order_follows_files_by_name_then_lines(publish: Publish) -> None:
    one = "rules:\n  - {name: %s, slot: home.hero, show: nothing new}\n"
    loaded = publish(one % "B", "b.rules.yaml", **{"a.rules.yaml": one % "A" + (one % "A2").removeprefix("rules:\n")})
    assert loaded.publication is not None
    assert [(rule.name, rule.order) for rule in loaded.publication.rules] == [("A", 0), ("A2", 1), ("B", 2)]


LISTING = """
rules:
  - name: Own brand first
    listing: search
    priority: high
    when: {search term: [running, trail]}
    boost:
      - brand: Northwind
        by: a little
      - affinity: brand
        by: a lot
    bury:
      - tag: end of line
    pin:
      - product: SKU-1
        at: 3
    largest move: 10
"""


def test_a_rule_may_arrange_a_list(publish: Publish) -> None:
    loaded = publish(LISTING)
    assert loaded.publication is not None, loaded.findings
    (rule,) = loaded.publication.rules
    assert (rule.slot, rule.variant, rule.priority) == ("listing:search", "Own brand first", 80)
    arrangement = loaded.publication.arrangements["Own brand first"]
    assert [shift.places for shift in arrangement.shifts] == [3.0, 10.0, -10.0]
    assert (arrangement.pins, arrangement.largest, arrangement.reads_history) == (((3, "SKU-1"),), 10.0, True)
    assert "listing:search" in [slot.name for slot in loaded.publication.declared]


@pytest.mark.parametrize(
    ("line", "code", "what"),
    [
        ("largest move: far", "R304", '"largest move" cannot be "far"'),
        ("show: nothing new", "R101", 'I do not know "show" in a listing rule'),
    ],
)
def test_what_a_list_cannot_be_told_is_reported(line: str, code: str, what: str, publish: Publish) -> None:
    findings = publish(f"rules:\n  - name: A\n    listing: search\n    {line}\n").findings
    assert [(finding.code, finding.what) for finding in findings if not finding.is_warning] == [(code, what)]


def test_a_list_without_data_list_is_found_by_a_selector(publish: Publish) -> None:
    slots = "slots:\n  home.hero: {}\nlistings:\n  search: {page: /search, selector: .grid, product: data-sku}\n"
    loaded = publish("rules:\n  - name: A\n    listing: search\n    boost: {brand: B}\n", **{"slots.yaml": slots})
    assert loaded.publication is not None
    (declared,) = [slot for slot in loaded.publication.declared if slot.name == "listing:search"]
    assert (declared.page, declared.selector, declared.product) == ("/search", ".grid", "data-sku")


def test_a_list_written_nearly_as_slots_yaml_has_it_is_a_warning(publish: Publish) -> None:
    slots = "listings:\n  search: {page: /api/search, json: $.products}\n"
    findings = publish(
        "rules:\n  - {name: A, listing: serch, boost: {brand: B}}\n  - {name: B, listing: sale, boost: {brand: B}}\n",
        **{"slots.yaml": slots},
    ).findings
    (found,) = [finding for finding in findings if finding.code == "R301"]
    assert found.is_warning and found.place.line == 2 and found.help == 'did you mean "search"?'


def test_a_priority_is_told_by_its_word_where_it_has_one() -> None:
    assert [priority_text(priority) for priority in (80, 50, 20, 81)] == ["high", "normal", "low", "81"]


TRIED = """
experiments:
  - name: Own brand first
    listing: search
    when: {search term: trail}
    variants:
      - {name: control, share: 50%, show: nothing new}
      - {name: boosted, share: 50%, boost: {brand: Northwind, by: a lot}, largest move: 10}
    goal: product added
"""


def test_an_experiment_may_arrange_a_list(publish: Publish) -> None:
    loaded = publish(TRIED)
    assert loaded.publication is not None, loaded.findings
    (rule,) = loaded.publication.rules
    assert (rule.slot, rule.variant, rule.variants) == ("listing:search", "", {"Own brand first / boosted"})
    assert rule.experiment and [arm.variant for arm in rule.experiment.arms] == ["", "Own brand first / boosted"]
    boosted = loaded.publication.arrangements["Own brand first / boosted"]
    assert boosted.largest == 10.0 and loaded.publication.contrasts["Own brand first"].arrangements == (None, boosted)


@pytest.mark.parametrize(
    ("old", "new", "code", "what"),
    [
        ("show: nothing new}", "show: {banner: {title: T}}}", "R104", "a variant of a list shows its products in"),
        (
            "show: nothing new}",
            "show: nothing new, pin: {product: SKU-1}}",
            "R104",
            "this variant shows nothing new",
        ),
        (", show: nothing new}", ", largest move: 5}", "R103", "this variant moves nothing"),
        ("    listing: search\n", "    listing: search\n    slot: home.hero\n", "R101", 'I do not know "slot" in a li'),
        ("boost: {brand: Northwind, by: a lot}", "boost: {bran: N}", "R101", 'I do not know "bran" in "boost"'),
        ("    listing: search\n", "    slot: home.hero\n", "R101", 'I do not know "boost" in a variant'),
    ],
)
def test_what_an_experiment_in_a_list_cannot_be_told_is_reported(
    old: str, new: str, code: str, what: str, publish: Publish
) -> None:
    assert TRIED.count(old) == 1
    found = [one for one in publish(TRIED.replace(old, new)).findings if not one.is_warning]
    assert found[0].code == code and found[0].what.startswith(what), found


def test_lists_are_compared_with_the_shops_own_order_where_somebody_is_held_out(publish: Publish) -> None:
    plain = "rules: [{name: A, listing: search, boost: {brand: B}%s}]\n"
    for rules, compared in (
        (plain % "", False),
        (plain % ", holdout: 20%", True),
        (plain % "" + "holdout: {name: Q4, share: 5%}\n", True),
        (plain % "" + "holdout: {name: Q4, share: 5%, slots: [home.hero]}\n", False),
        (plain % "" + "holdout: {name: Q4, share: 5%, slots: [home.hero, 'listing:search']}\n", True),
    ):
        loaded = publish(rules)
        assert loaded.publication is not None, loaded.findings
        assert ("A" in loaded.publication.contrasts) == compared, rules
