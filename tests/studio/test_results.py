"""The page about results, and its table for spreadsheets and programs."""

from __future__ import annotations

import csv
import io
import re
from copy import deepcopy
from typing import Any
from urllib.parse import quote

import pytest

from proxy.audience.lifts import DAY
from proxy.audience.results import ALL, HELD_OUT, ORDER, Comparison, Tally, holdout_name
from proxy.audience.stored_results import PackedResults, ResultsStatus, StoredResults
from proxy.rulebook.compile import Publication, load
from tests.studio.test_app import Shop, browser

NOW = 1_795_435_200.0
RULES = b"""version: 1
holdout: {name: Q4, share: 10%}
rules:
  - {name: "Sale <now>", slot: home.hero, show: {banner: {title: x}}}
experiments:
  - name: Bar
    slot: all.topbar
    guardrails: [product added]
    variants:
      - {name: control, show: nothing new}
      - {name: red, show: {banner: {title: x}}}
      - {name: green, show: {banner: {title: x}}}
"""


class ShopToday(Shop):
    def now(self) -> float:
        return NOW


def published() -> Publication:
    loaded = load({"a.rules.yaml": RULES, "slots.yaml": b"slots: {home.hero: {}, all.topbar: {}}"})
    assert loaded.publication is not None, loaded.findings
    return loaded.publication


def group(visitors: int, ordered: int, added: int = 3) -> Tally:
    return Tally(visitors, {ORDER: ordered, "product added": added}, [float(20 + one % 90) for one in range(ordered)])


def looked(of: dict[str, dict[str, Tally]], **more: Any) -> ResultsStatus:
    """So much was counted, 65 seconds ago."""
    found = {name: Comparison(deepcopy(groups), began=NOW - 20 * DAY) for name, groups in of.items()}
    for comparison in found.values():
        comparison.sum_up()
    parts = more.get("parts", {})
    kept = StoredResults("", 0, "device" if parts else "", NOW - 65, 2.0, PackedResults.of(31_000, found, parts))
    return ResultsStatus(kept, more.get("is_counting", False), more.get("problem", ""))


MANY = {
    "Bar": {"control": group(9_000, 600, 2_000), "red": group(9_100, 610, 2_000), "green": group(9_050, 850, 1_500)},
    holdout_name(published().plan.holdouts[0]): {HELD_OUT: group(3_000, 150), ALL: group(28_000, 1_450)},
    "Sale <now>": {ALL: group(9_000, 500)},
    "Gone": {"a": group(100, 3), "b": group(101, 9)},
}


def site(of: ResultsStatus) -> Shop:
    return ShopToday(publication=published(), looked=of)


async def asked(of: ResultsStatus, path: str = "/results") -> str:
    async with browser(site(of)) as client:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)).replace("&#x2f;", "/").replace("&amp;", "&")


async def test_each_rule_is_told_with_its_groups_its_verdict_and_how_old_that_is() -> None:
    page = await asked(looked(MANY))
    told = plain(page)
    assert "Of 31,000 visitors in the log, counted 65 seconds ago." in told
    assert re.search(r"Bar green: better by [\d.]+ % to \d+ % control 9,000 600, 6.67% order completed red", told), told
    assert "green better by" in told and "red too early: " in told, "each of several arms has its own verdict"
    assert "green: product added is worse by" in told
    assert "holdout: Q4 too early: " in told
    alone = r"Sale &lt;now&gt; two variants here would show a difference of 20 % in about \d+ .* year 9,000 500, 5.56%"
    assert re.search(alone, told), "where nobody is held out, at the end"
    assert "who left after a first page is in no group" in told and "What the numbers are" in told
    assert page.index("holdout: Q4") < page.index(">Bar<"), "what most visitors met comes first"


async def test_a_rules_name_is_read_in_its_own_direction_whatever_stands_beside_it() -> None:
    name = "\u062e\u0631\u064a\u0641 2026!"
    many = looked({name: {"held out": group(900, 60), "shown": group(900, 80)}, "Alone": {"shown": group(9, 1)}})
    page = await asked(many)
    names = re.findall(r"<a( class=\"name\")?( dir=\"auto\")? href=\"/results\?rule=[^>]*>(.*?)</a>", page)
    assert [(direction, told) for _, direction, told in names] == [(' dir="auto"', name), (' dir="auto"', "Alone")]
    assert f"<bdi>{name}</bdi></h2>" in await asked(many, f"/results?rule={quote(name)}")


async def test_bars_are_drawn_to_one_scale_from_loss_to_lift() -> None:
    page = await asked(looked(MANY))
    spans = [(float(x), float(width)) for x, width in re.findall(r'class="span" x="([\d.]+)" width="([\d.]+)"', page)]
    assert len(spans) == 3 and all(x >= 0 and x + width <= 100.1 for x, width in spans)
    assert [x for x, _ in spans if x > 50], "better is right of the middle"
    assert "style=" not in page, "the content security policy forbids it"


async def test_a_rules_own_page_tells_all_that_was_counted_and_leads_back_to_it() -> None:
    page = await asked(looked(MANY), "/results?rule=Bar")
    told = plain(page)
    assert "2,000, 22.22% product added" in told and "by each who paid" in told and ", up to 109.00 of each" in told
    assert "holdout: Q4" not in told
    assert 'href="/?page=1#rule-2"' in page and "since 3 November 2026" in told
    async with browser(site(looked(MANY))) as client:
        home = (await client.get("/")).text
    assert 'id="rule-2"' in home and 'href="/results?rule=Bar"' in home
    assert 'href="/results?rule=Sale%20%3Cnow%3E"' in home


async def test_a_rules_own_page_and_table_tell_each_step_to_an_order_that_anybody_took() -> None:
    one, all_of_them = [await asked(looked(MANY), f"/results{query}") for query in ("?rule=Gone", "")]
    assert "3, 2.97% product added" in plain(one) and "3, 2.97% product added" not in plain(all_of_them)
    table = list(csv.DictReader(io.StringIO(await asked(looked(MANY), "/results.csv?rule=Gone"))))
    steps = [row["counted"] for row in table if row["group"] == "b" and row["counted"] not in ("paid", "returned")]
    assert steps == [ORDER, "product added"]


@pytest.mark.parametrize(
    ("of", "says"),
    [
        (ResultsStatus(None, True), "is being counted"),
        (ResultsStatus(None, False, "the disk is gone"), "Results cannot be counted: the disk is gone"),
        (looked({}), "Nobody met a rule in this time"),
        (looked(MANY, is_counting=True), "counted 65 seconds ago, and being counted again now"),
    ],
    ids=["counting", "a problem", "nobody", "again"],
)
async def test_where_there_is_nothing_yet_it_says_what_goes_on_or_what_to_do(of: ResultsStatus, says: str) -> None:
    page = await asked(of)
    assert says in plain(page)
    is_awaited = of.is_counting and of.stored is None
    assert ('<noscript><meta http-equiv="refresh"' in page) == ("/static/counting.js" in page) == is_awaited


async def test_without_rules_it_says_so() -> None:
    async with browser(Shop(publication=None)) as client:
        assert "No rule is being served." in (await client.get("/results")).text
        refused = await client.get("/api/results")
    assert refused.status_code == 503 and "no rules are being served" in refused.text


async def test_what_is_asked_for_is_kept_in_the_form_and_the_links() -> None:
    page = await asked(looked(MANY), "/results?days=30&goal=product+added&matters=10")
    assert '<option value="30" selected>' in page and "<option selected>product added" in page
    assert '<option value="10" selected>' in page
    assert 'href="/results.csv?days=30&amp;goal=product+added&amp;matters=10"' in page.replace("&#x2b;", "+")
    assert "2,000, 22.22% product added" in plain(page)
    whose = "Counted is who met a choice first in this period"
    assert whose in page and whose not in await asked(looked(MANY))


async def test_what_the_shop_tells_of_visitors_may_part_them_by_the_address_and_stays_chosen() -> None:
    page = await asked(by_device(), "/results?rule=Bar&by=attribute:%20loyalty%20tier")
    assert "<option selected>attribute: loyalty tier</option>" in page
    assert "attribute:" not in await asked(by_device(), "/results?rule=Bar&by=device")


@pytest.mark.parametrize("query", ["days=5", "days=x", "matters=0", "goal=fame", "by=mood"])
async def test_what_the_page_does_not_offer_is_refused_with_what_it_does(query: str) -> None:
    async with browser(site(looked(MANY))) as client:
        answer = await client.get(f"/results?{query}")
    assert answer.status_code == 400 and "days: 0, 7, 14, 30, 90" in answer.text
    assert "by: week, past, device" in answer.text


def by_device() -> ResultsStatus:
    """The new green arm helps on phones, and hurts on desktops."""
    of = {
        "phone": {"control": group(4_000, 200), "red": group(4_000, 200), "green": group(4_000, 350)},
        "desktop": {"control": group(4_000, 300), "red": group(4_000, 300), "green": group(4_000, 150)},
    }
    parts = {part: Comparison(groups, began=NOW - 20 * DAY) for part, groups in of.items()}
    for one in parts.values():
        one.sum_up()
    return looked({"Bar": {arm: group(8_000, 500) for arm in ("control", "red", "green")}}, parts={"Bar": parts})


async def test_a_rules_own_page_tells_its_visitors_apart_and_whether_a_part_differs() -> None:
    page = await asked(by_device(), "/results?rule=Bar&by=device")
    told = plain(page)
    assert "<option selected>device" in page and page.index(">desktop</th>") < page.index(">phone</th>")
    assert re.search(r" phone control 4,000 200, 5.00% order completed red 4,000 .* green 4,000 350, 8.75%", told), told
    assert "green does better in &quot;phone&quot; than elsewhere, by " in told.replace("&#34;", "&quot;"), told
    everything = await asked(by_device())
    assert "Apart by" not in everything and ">phone</th>" not in everything


async def test_a_rule_with_nothing_to_compare_with_is_not_told_apart_and_the_page_says_why() -> None:
    alone = await asked(looked(MANY), "/results?rule=Sale+%3Cnow%3E&by=device")
    assert "Apart by" not in alone and "It is not told apart by device" in alone
    assert "Apart by" in await asked(looked(MANY), "/results?rule=Bar")


async def test_a_rule_of_another_time_zone_than_most_has_it_told() -> None:
    text = b"timezone: Asia/Tokyo\nrules:\n  - {name: Tokyo, slot: home.hero, show: {banner: {title: x}}}\n"
    files = {"a.rules.yaml": RULES, "b.rules.yaml": text, "slots.yaml": b"slots: {home.hero: {}, all.topbar: {}}"}
    there = load(files).publication
    assert there is not None
    async with browser(ShopToday(publication=there, looked=looked(MANY))) as client:
        tokyo, bar = [plain((await client.get(f"/results?rule={name}")).text) for name in ("Tokyo", "Bar")]
    assert "Days are those of UTC, the time zone of most rules. The dates, hours and countdowns of this rule" in tokyo
    assert "are those of Asia/Tokyo" in tokyo and "Asia/Tokyo" not in bar


async def test_programs_get_the_parts() -> None:
    async with browser(site(by_device())) as client:
        (told,) = (await client.get("/api/results?by=device")).json()
        rows = list(csv.DictReader(io.StringIO((await client.get("/results.csv?by=device")).text)))
    assert [part["part"] for part in told["parts"]] == ["desktop", "phone"]
    assert told["parts"][1]["beside_others"]["green"]["low"] > 0 and told["rows"][2]["visitors"] == 8_000
    of = {(row["part"], row["reached"]) for row in rows if (row["group"], row["counted"]) == ("green", ORDER)}
    assert of == {("", "500"), ("desktop", "150"), ("phone", "350")}
    assert not any(row["verdict"] for row in rows if row["part"])


async def test_who_gave_back_is_told_as_a_part_of_those_who_ordered() -> None:
    few, many = group(9_000, 600), group(9_000, 800)
    few.returned, many.returned = 60, 240
    many.buyers, many.sold_in = 31, {"": 1_234.5}
    of = looked({"Bar": {"control": few, "red": many, "green": group(9_000, 600)}})
    told = plain(await asked(of, "/results?rule=Bar"))
    assert "240 of 800, 30.00% who ordered gave back +200.0% (" in told
    assert "31, for 1,234.50 bought what they clicked in it" in told
    assert re.search(r"red: of those who ordered \d+ % to \d+ % more gave something back", told)
    async with browser(site(of)) as client:
        rows = list(csv.DictReader(io.StringIO((await client.get("/results.csv")).text)))
    (sold,) = (row for row in rows if row["counted"] == "sold by clicks")
    assert (sold["group"], sold["reached"]) == ("red", "31") and float(sold["by visitor"]) == 1_234.5 / 9_000
    (row,) = (row for row in rows if (row["group"], row["counted"]) == ("red", "returned"))
    assert (row["reached"], float(row["lift"])) == ("240", pytest.approx(2.0)) and float(row["low"]) > 0


async def test_programs_get_what_the_command_prints() -> None:
    async with browser(site(looked(MANY))) as client:
        told = (await client.get("/api/results?rule=Bar")).json()
    assert [one["rule"] for one in told] == ["Bar"]
    assert told[0]["verdict"]["word"] == "better" and told[0]["rows"][2]["lifts"][ORDER]["error"] > 0


async def test_what_there_is_no_room_for_is_said() -> None:
    page = await asked(looked({f"Gone {number}": {ALL: group(number + 1, 0)} for number in range(203)}))
    assert "3 more were met by fewer visitors; all are in the CSV." in page


async def test_days_are_those_of_the_rules_time_zone_and_the_page_names_it() -> None:
    rules = RULES.replace(b"rules:", b"timezone: Pacific/Auckland\nrules:")
    there = load({"a.rules.yaml": rules, "slots.yaml": b"slots: {home.hero: {}, all.topbar: {}}"}).publication
    assert there is not None
    async with browser(ShopToday(publication=there, looked=looked(MANY))) as client:
        page, table = await client.get("/results?rule=Bar"), await client.get("/results.csv?rule=Bar")
    assert "since 4 November 2026" in plain(page.text)
    assert "Days are those of Pacific/Auckland, the time zone of the rules." in plain(page.text).replace("&#x27;", "'")
    assert {row["since"] for row in csv.DictReader(io.StringIO(table.text))} == {"2026-11-04T01:00:00+13:00"}
