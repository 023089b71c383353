"""What is told, and that it is told once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.model import Delivery, Standing
from proxy.outbox.follower import compared

NOON = 1_795_435_200.0
ASKED = {"cdp": frozenset({"VIP", "Lookers"}), "mail": frozenset({"VIP"})}


def said(deliveries: list[Delivery]) -> list[tuple[str, str, bool]]:
    return [(one.webhook, one.segment, one.entered) for one in deliveries]


def test_each_webhook_is_told_of_what_it_asks_for() -> None:
    standing, deliveries = compared(Standing("anna"), {"VIP", "Lookers", "Other"}, ASKED, NOON, now=NOON + 1)
    assert said(deliveries) == [("cdp", "Lookers", True), ("cdp", "VIP", True), ("mail", "VIP", True)]
    assert standing.by_webhook == {"cdp": {"Lookers": NOON, "VIP": NOON}, "mail": {"VIP": NOON}}
    assert {(one.at, one.queued_at) for one in deliveries} == {(NOON, NOON + 1)}


def test_what_did_not_change_is_not_told_again_and_keeps_its_since() -> None:
    before, _ = compared(Standing("anna"), {"VIP"}, ASKED, NOON, now=NOON)
    same, none = compared(before, {"vip"}, ASKED, NOON + 60, now=NOON + 60)
    assert (same, none) == (before, [])
    after, left = compared(before, {"Lookers"}, ASKED, NOON + 60, now=NOON + 60)
    assert said(left) == [("cdp", "Lookers", True), ("cdp", "VIP", False), ("mail", "VIP", False)]
    assert after.by_webhook == {"cdp": {"Lookers": NOON + 60}}


def test_what_nobody_asks_for_any_more_is_forgotten_without_a_word() -> None:
    before, _ = compared(Standing("anna"), {"VIP", "Lookers"}, ASKED, NOON, now=NOON)
    asked = {"cdp": frozenset({"Lookers"})}
    assert compared(before, {"VIP", "Lookers"}, asked, NOON + 9, now=NOON + 9) == (
        Standing("anna", {"cdp": {"Lookers": NOON}}),
        [],
    )


def test_a_message_has_the_same_id_however_often_it_is_worked_out_and_no_other_has() -> None:
    first = compared(Standing("anna"), {"VIP"}, ASKED, NOON, now=NOON)[1]
    again = compared(Standing("anna"), {"VIP"}, ASKED, NOON, now=NOON + 5)[1]
    later = compared(Standing("anna"), {"VIP"}, ASKED, NOON + 60, now=NOON + 60)[1]
    ben = compared(Standing("ben"), {"VIP"}, ASKED, NOON, now=NOON)[1]
    assert [one.id for one in first] == [one.id for one in again]
    assert len({one.id for one in (*first, *later, *ben)}) == 6


@given(st.lists(st.frozensets(st.sampled_from(["VIP", "Lookers", "Other"])), max_size=8))
def test_the_sum_of_announced_changes_is_the_membership(path: list[frozenset[str]]) -> None:
    standing, known = Standing("anna"), dict.fromkeys(ASKED, frozenset[str]())
    for step, segments in enumerate(path):
        standing, deliveries = compared(standing, segments, ASKED, NOON + step, now=NOON + step)
        for one in deliveries:
            assert (one.segment in known[one.webhook]) is not one.entered, "nothing is told twice"
            known[one.webhook] ^= {one.segment}
        assert known == {webhook: names & segments for webhook, names in ASKED.items()}
