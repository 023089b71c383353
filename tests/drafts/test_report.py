"""What `plan` prints."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from proxy.diagnostics import Finding
from proxy.drafts.replay import replay_recorded
from proxy.drafts.report import Checks, Prospect, as_text, checks_text, prospect, replay_text
from proxy.model import Place, View
from proxy.rulebook.compile import Publication, load

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
LIVE = """version: 1
timezone: Europe/Amsterdam
rules:
  - name: Black Friday early access for VIPs
    slot: home.hero
    from: 2026-11-20 08:00
    when: {country: [NL, BE]}
    show: {banner: {title: Early}}
  - name: Summer goodbye
    slot: home.hero
    priority: low
    until: 2026-09-30
    when: {country: DE}
    show: {banner: {title: Goodbye}}
"""
MUSTARD = "  - {name: Mustard with the hot dogs, slot: cart.extras, show: {banner: {title: Mustard}}}\n"
DRAFT = LIVE[: LIVE.index("  - name: Summer")].replace("[NL, BE]", "[NL, BE, NO]") + MUSTARD
FILES = {"slots.yaml": b"slots: {home.hero: {}, cart.extras: {}}", "attributes.yaml": b"attributes: {orders: number}"}
WARNING = Finding("R505", "a line is wrong", Place("products.jsonl", 63, 1, 2), "mend it", is_warning=True)


def publication(rules: str) -> Publication:
    loaded = load({"autumn.rules.yaml": rules.encode(), **FILES})
    assert loaded.publication is not None, loaded.findings
    return loaded.publication


def view(number: int, slot: str, country: str) -> View:
    return View(NOW - 80_000 + number, "v41", {slot: ""}, {"page": "/", "country": country}, ("device",))


VIEWS = [view(n, "home.hero", ("NO", "FR", "FR", "FR")[n % 4]) for n in range(400)]
VIEWS += [view(n, "cart.extras", "FR") for n in range(60)]
NAMES = ("Version 41", "draft")


def told(draft: str = DRAFT, views: list[View] = VIEWS, checks: Checks = Checks((WARNING,), 3, 0)) -> Prospect:
    return prospect(views, publication(LIVE), publication(draft), checks, NOW, names=NAMES)


def test_it_tells_what_changes_and_who_sees_it() -> None:
    assert as_text(told()).splitlines() == [
        "Version 41 → draft                                replayed 460 page views of 7 min",
        "  ~ Black Friday early access for VIPs    country: NL, BE  →  NL, BE, NO",
        "  + Mustard with the hot dogs             new in cart.extras",
        "  - Summer goodbye                        removed (ended 2026-09-30)",
        "Who sees something different",
        "  cart.extras   100 %  ▇▇▇▇▇▇▇▇ 60 views    page default → Mustard with the hot dogs 60",
        "  home.hero    25.0 %  ▇▇ 100 views    page default → Black Friday early access for VIPs 100",
        "Checks: 0 errors, 1 warning (R505 products.jsonl:63), 3 tests passed",
    ]


def test_the_same_again_gives_the_same_text() -> None:
    assert as_text(told()) == as_text(told())


def test_without_changes_there_is_nothing_to_publish() -> None:
    lines = as_text(told(LIVE)).splitlines()
    assert lines[1:3] == ["  the rules mean the same", "Nobody sees something different"]
    assert lines[-1].startswith("Checks: ")


def test_what_was_not_recorded_is_said_and_counted() -> None:
    text = as_text(told(LIVE.replace("country: DE", "orders: 3").replace("    until: 2026-09-30\n", "")))
    assert "Unsure: 400 page views, of which the recording does not tell enough" in text
    assert "  home.hero  400 views    not recorded: orders" in text
    assert "Nobody sees something different for sure" in text


def test_a_draft_that_begins_later_says_when() -> None:
    later = LIVE + MUSTARD.replace("slot:", "from: 2026-12-01 08:00, slot:")
    assert as_text(told(later)).endswith("Nothing of it starts before 2026-12-01 08:00")


def test_a_slot_nobody_has_seen_is_named() -> None:
    text = as_text(told(views=VIEWS[:400]))
    assert "No recorded view has the slot cart.extras, so nobody can tell who would see something in it" in text


def test_a_row_that_may_have_no_products_is_named() -> None:
    row = "  - {{name: {}, slot: {}, show: {{products: {{strategy: {}}}}}}}\n"
    rows = row.format("Lately", "cart.extras", "[recently viewed]") + row.format(
        "Best", "home.hero", "{popular in: everything}"
    )
    notes = [line for line in as_text(told(DRAFT.replace(MUSTARD, rows))).splitlines() if line.startswith("Rows")]
    assert notes == ['Rows are taken to have products; with too few, the next rule is shown instead of "Lately"']
    assert not any(line.startswith("Rows") for line in as_text(told()).splitlines())


def test_without_views_it_says_so() -> None:
    assert "No page view is recorded yet" in as_text(told(views=[]))


def test_what_fails_its_tests_is_not_to_be_published() -> None:
    failing = Checks((), 2, 1)
    assert checks_text(failing) == "0 errors, 2 tests passed, 1 failed"
    assert as_text(told(checks=failing)).endswith("1 failed")


def test_it_is_json_as_it_is() -> None:
    data = msgspec.json.decode(msgspec.json.encode(told()))
    assert data["changes"][0]["kind"] == "~"
    assert data["replay"]["slots"][1]["shifts"][0]["views"] == 100
    assert data["checks"]["findings"][0]["code"] == "R505"


def test_a_replay_says_what_shows_something_else() -> None:
    text = replay_text(replay_recorded(VIEWS, publication(DRAFT)), "rules")
    assert text.splitlines() == [
        "460 page views replayed by rules: 160 views shown something else",
        "  cart.extras  60 views    page default → Mustard with the hot dogs 60",
        "  home.hero  100 views    page default → Black Friday early access for VIPs 100",
    ]


def test_of_thousands_of_changes_the_first_are_told_and_who_sees_them() -> None:
    many = "".join(f"  - {{name: More {n}, slot: cart.extras, show: {{banner: {{title: x}}}}}}\n" for n in range(300))
    lines = as_text(told(DRAFT + many)).splitlines()
    assert lines.index("  and 103 more: `tailorbird diff` tells all") == 201
    assert lines[202] == "Who sees something different"
