from __future__ import annotations

import pytest

from loadtests.growth import as_full, case, filled, report
from proxy.decide.engine import decide


@pytest.mark.bar("B3")
@pytest.mark.parametrize(("slots", "rules"), [(5, 100), (50, 200)])
def test_every_slot_of_a_page_holds_what_was_decided_for_it(slots: int, rules: int) -> None:
    made = case(slots, rules)
    shown = 0
    for visitor in made.visitors[:20]:
        decided = decide(made.plan, visitor, made.template.slots)
        contents = [made.fragments.get(decision.variant) for decision in decided.values()]
        length = sum(static.size for static in made.template.statics)
        for content, default in zip(contents, made.template.defaults, strict=True):
            length += default.size if content is None or content.constant is None else content.constant.size
            shown += content is not None
        page = made.page(visitor)
        assert int.from_bytes(page.chunks[-1][-4:], "little") == length  # gzip's own count of the page's bytes
    assert shown


def test_the_report_says_which_bars_were_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.growth.TURNS", 1)  # what is measured is not looked at
    monkeypatch.setattr("loadtests.publishing.COUNT_SECONDS", 0.01)
    told = report(1, slots=(2, 4), rules=(20, 40))
    assert told.count("| B3 |") == 4 and told.count("reached |") == 4
    assert "| 4 slots, 1,000 rules |" in told and "| 5 slots, 40 rules, the same pages |" in told


def test_fewer_rules_that_ask_less_fill_as_many_slots() -> None:
    many = case(5, 4_000)
    few = as_full(5, 100, many)
    assert len(few.plan.rules) == 100
    assert abs(filled(few) - filled(many)) < 1 < filled(many) - filled(case(5, 100))


def test_rules_for_others_leave_the_pages_as_they_are() -> None:
    few, many = case(5, 100), case(5, 300, fitting=100)
    assert len(many.plan.rules) == 300 and filled(few) > 0.5
    for visitor in few.visitors[:50]:
        assert b"".join(few.page(visitor).chunks) == b"".join(many.page(visitor).chunks)
