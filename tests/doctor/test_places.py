from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.doctor.checkup import checkup
from proxy.doctor.fetched import Level, Line
from proxy.page.slots import DeclaredSlot
from tests.doctor.test_checkup import HEALTHY, with_field

MARKED = DeclaredSlot("listing:search")
IN_GRID = DeclaredSlot("listing:grid", page="/", selector=".grid", product="data-sku")
IN_JSON = DeclaredSlot("listing:search", page="/", json="$.hits", product="sku")
HERO = DeclaredSlot("home.hero", page="/", json="$.hero")
HTML = b"<!DOCTYPE html>\n<ul data-list=search><li data-product=a>a</li>\n<li data-product=b>b</li></ul>"
JSON = b'{"hero": "x",\n "hits": [{"sku": 1},\n {"sku": 2}]}'


def lines_of(body: bytes, *declared: DeclaredSlot, has_rules: bool = True) -> list[Line]:
    page = with_field(b"content-type", b"application/json") if body.startswith(b"{") else HEALTHY
    told = checkup(replace(page, body=body, declared=declared, has_rules=has_rules))
    checks = ("answer", "slots", "lists", "includes")
    return [line for line in told if line.check in checks and line.says != "200, text/html"]


def test_a_list_whose_cards_change_places_is_reported_and_no_slot_is_missed_then() -> None:
    assert lines_of(HTML, MARKED) == [
        Line(Level.OK, "lists", "the 2 cards of `search` change places with all their bytes")
    ]
    hydrated = HTML.replace(b"<ul", b"<script id=__NEXT_DATA__></script><ul")
    assert lines_of(hydrated, MARKED)[0].says == "the 2 cards of `search` change places in place, by the stylesheet"


def test_a_list_that_a_router_would_draw_without_its_order_is_reported() -> None:
    hydrated = HTML.replace(b"<ul", b"<script id=__NEXT_DATA__></script><ul")
    _, unranked = lines_of(hydrated, MARKED)
    assert (unranked.level, "data-tb-rank" in unranked.fix) == ("warn", True)
    in_json = DeclaredSlot("listing:search", page="/api", json="$.hits")
    assert (
        len(lines_of(hydrated, MARKED, in_json))
        == len(lines_of(hydrated.replace(b"<ul", b"<ul data-tb-rank"), MARKED))
        == 1
    )
    in_islands = HTML.replace(b"<ul", b"<astro-island><p>Added <!-- -->0</p></astro-island><ul")
    assert [line.says for line in lines_of(in_islands, MARKED)] == [line.says for line in lines_of(HTML, MARKED)]


def test_a_slot_that_is_marked_and_not_in_slots_yaml_is_reported_with_the_line_to_write() -> None:
    page = b"<!DOCTYPE html>\n<div data-slot=home.top>a</div><div data-slot=home.hero>b</div>"
    known = DeclaredSlot("home.hero")
    found, unnamed = lines_of(page, known)
    assert (found.says, unnamed.level) == ("home.top, home.hero", "warn")
    assert "`home.top` is marked here" in unnamed.says and "write `home.top: {}`" in unnamed.fix
    assert len(lines_of(page, known, DeclaredSlot("home.top"))) == len(lines_of(page, has_rules=False)) == 1
    assert [line.level for line in lines_of(page)] == ["ok", "warn", "warn"]  # a rule folder that names none yet


def test_the_parts_that_a_page_includes_are_told_and_who_has_to_say_that_they_count() -> None:
    body = b'<!DOCTYPE html><div data-slot=a>x</div><esi:include src="/cart"/><!--esi <esi:include src="/stock"/> -->'
    slot, unsaid = lines_of(body, has_rules=False)
    assert (slot.says, unsaid.check, unsaid.level) == ("a", "includes", "warn")
    assert "/cart, /stock stay tags" in unsaid.says and "`includes: yes`" in unsaid.fix
    announced = replace(with_field(b"surrogate-control", b'content="ESI/1.0"'), body=body)
    for page in (announced, replace(HEALTHY, body=body, includes_by_policy=True)):
        assert Line(Level.OK, "includes", "/cart, /stock") in checkup(page)


def test_an_include_of_a_slot_is_a_slot_and_a_fault_after_it_is_on_its_line_in_the_page() -> None:
    body = b'<!DOCTYPE html><esi:include src="/_tb/slot/home.hero"/>\n<div data-slot=a>'
    assert [line.says for line in lines_of(body.partition(b"\n")[0], has_rules=False)] == ["home.hero"]
    assert [line.fix for line in lines_of(body, has_rules=False)] == ["mend it on line 2"]


def test_a_slot_in_a_shadow_root_is_told_with_where_to_put_it() -> None:
    marked = b"<div data-slot=%b>x</div>"
    element = b"<x-hero><template shadowrootmode=open>%b<slot></slot></template>%b</x-hero>"
    found, hidden = lines_of(
        b"<!DOCTYPE html>" + element % (marked % b"home.hero", marked % b"home.row"), has_rules=False
    )
    assert (found.says, hidden.level, "`home.hero` stands in a <template>" in hidden.says) == ("home.row", "warn", True)
    assert len(lines_of(b"<!DOCTYPE html>" + element % (b"", marked % b"home.row"), has_rules=False)) == 1


def test_a_page_that_scripts_draw_is_told_from_one_in_which_no_place_is_marked() -> None:
    (shell,) = lines_of(b"<!DOCTYPE html><app-root></app-root><script type=module src=/main.js></script>")
    (bare,) = lines_of(b"<!DOCTYPE html><p>Tents</p><script type=module src=/main.js></script>")
    assert (shell.level, "empty until its scripts run" in shell.says, "on its server" in shell.fix) == (
        "warn",
        True,
        True,
    )
    assert bare.fix.startswith("mark a place")


def test_the_lists_of_an_api_are_reported() -> None:
    answer, slots, lists = lines_of(JSON, HERO, IN_JSON)
    assert (answer.says, slots.says) == ("200, application/json", "home.hero")
    assert lists.says == "the 2 cards of `search` change places with all their bytes"
    assert [line.check for line in lines_of(JSON, IN_JSON)] == ["answer", "lists"]


@pytest.mark.parametrize(
    ("body", "declared", "level", "says", "fix"),
    [
        (HTML.replace(b"=b>", b"=a>"), MARKED, "warn", "the page has one product twice in `listing:search`", "line 2"),
        (HTML.replace(b"b</li>", b"b"), MARKED, "warn", "a card without a closing tag", "line 2"),
        (HTML, IN_GRID, "warn", "slots.yaml has the list `grid` here, but no two of its cards are", "selector"),
        (JSON, replace(IN_JSON, json="$.items"), "warn", "but no two of its cards are", "mend its path"),
        (JSON.replace(b"2", b"1"), IN_JSON, "warn", "has one product twice", "line 2"),
        (JSON[:-1], IN_JSON, "fail", "is no JSON that can be read", "line 1"),
        (JSON, MARKED, "fail", "this is JSON, and slots.yaml has no path into it", "--rules"),
        (JSON, replace(HERO, json="$.none"), "warn", "has no slots", "mend its path"),
    ],
)
def test_a_list_that_stays_as_it_came_is_reported_with_what_to_mend(
    body: bytes, declared: DeclaredSlot, level: str, says: str, fix: str
) -> None:
    troubles = [
        line for line in lines_of(body, declared) if line.level is not Level.OK and line.says != "the page has no slots"
    ]
    if not troubles:
        troubles = [line for line in lines_of(body, declared) if line.level is not Level.OK]
    assert troubles[-1].level == level and says in troubles[-1].says and fix in troubles[-1].fix
