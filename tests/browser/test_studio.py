"""The studio as an editor sees it: a condition is counted while it is typed, and its slips are told."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route

from proxy.model import Arrival, Event
from proxy.stores import open_store
from tests.browser.conftest import Tab
from tests.running import DEMO, link, running

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_condition_is_counted_while_it_is_typed(tab: Tab) -> None:
    async with running(*DEMO, until="Ctrl-C") as printed:
        studio = link(printed, "the studio")
        await tab.page.goto(f"{studio}/segments")
        assert "VIP" in await tab.page.inner_text("table")
        await tab.page.get_by_label("A condition").press_sequentially("orders: at least 3", delay=5)
        await tab.page.get_by_text(re.compile(r"^about [\d,]+ visitors?, ")).wait_for()
        await tab.page.get_by_label("A condition").fill("ordrs: at least 3")
        await tab.page.get_by_text('line 1: I do not know "ordrs" in a condition; did you mean "orders"?').wait_for()
        assert tab.complaints == []


async def test_a_rule_is_written_mended_and_saved_and_visitors_see_it(tab: Tab, tmp_path: Path) -> None:
    (tmp_path / "slots.yaml").write_text("slots: {home.hero: {}}")
    (tmp_path / "a.rules.yaml").write_text("rules: []\n")
    page = tab.page
    async with running(*DEMO, "--rules", str(tmp_path), until="Ctrl-C") as printed:
        await page.goto(f"{link(printed, 'the studio')}/files")
        await page.get_by_label("Its name").fill("spring")
        await page.get_by_role("button", name="Begin").click()
        text = page.get_by_label("Its text")
        rule = (
            (await text.input_value()).replace("visitor: returning", "visitor: new").replace("welcome back", "spring")
        )
        await text.fill(rule.replace("slot: home.hero", "slott: home.hero"))
        told = page.get_by_role("status").get_by_text('line 6: I do not know "slott"')
        await told.wait_for()  # without a button
        assert await page.get_by_role("button", name="Mend").is_visible()
        await page.route("**/static/write.js*", delayed)
        await page.get_by_role("button", name="Check and test").click()
        await page.get_by_role("link", name="line 6").click()  # before the script runs: what was written has to stay
        await page.wait_for_function("() => getSelection().toString().includes('slott')")
        await page.unroute("**/static/write.js*")
        await page.get_by_role("button", name="Mend").click()
        await page.get_by_text("It is not saved yet").wait_for()
        assert await text.input_value() == rule
        await text.press("End")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_text("It is live within a second").wait_for()
        assert (tmp_path / "spring.rules.yaml").read_text() == rule
        await page.goto(f"{page.url.partition('/file')[0]}/why")
        seen = page.get_by_label("As the visitor of a test")
        async with asyncio.timeout(30):
            while await seen.locator("option").count() < 2:
                await page.reload()
        await seen.select_option(index=1)
        await page.get_by_label("Page").fill(link(printed, "the shop, personalised"))
        await page.get_by_role("button", name="Link to a preview").click()
        async with page.context.expect_page() as opened:
            await page.get_by_role("link", name="Open the page as this visitor").click()
        await (await opened.value).get_by_text("Hello, spring").wait_for()
        assert tab.complaints == []


RULES = "rules:\n" + "".join(
    f"  - {{name: {name}, slot: home.hero, from: 2036-12-2{number % 9} 08:00, when: {{orders: at least {number}}},"
    " show: {banner: {title: x}}}\n"
    for number, name in enumerate([f"Winter x{number}x" for number in range(140)] + ["Donaudampfschifffahrt" * 9])
)


async def test_a_rule_is_found_among_many_and_none_is_too_long_for_the_screen(tab: Tab, tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text(RULES)
    (tmp_path / "slots.yaml").write_text("slots: {home.hero: {}}")
    async with running(*DEMO, "--rules", str(tmp_path), until="Ctrl-C") as printed:
        page = tab.page
        await page.goto(link(printed, "the studio"))
        pause = page.get_by_role("button", name="Pause Winter x7x", exact=True)
        for width in (1280, 390, 320):
            await page.set_viewport_size({"width": width, "height": 800})
            await page.wait_for_function(WIDE)
        await page.get_by_role("link", name="Next").click()
        await page.get_by_text("101 to 141 of 141").wait_for()
        await page.get_by_label("Find a rule").fill("winter x7x")
        await page.get_by_text("1 of 141", exact=True).wait_for()
        assert await page.get_by_role("button", name=re.compile("^Pause Winter")).count() == 1
        await pause.click()
        await page.get_by_role("link", name="Rules", exact=True).click()
        await page.get_by_text("1 of 141", exact=True).wait_for()
        await page.get_by_role("button", name="Resume Winter x7x", exact=True).wait_for()
        assert await page.get_by_label("Find a rule").input_value() == "winter x7x"
        await page.route("**/static/find.js*", delayed)
        await page.goto(f"{link(printed, 'the studio')}?page=2", wait_until="commit")
        await page.get_by_label("Find a rule").fill("winter x8x")
        await page.get_by_text("1 of 141", exact=True).wait_for()
        assert tab.complaints == []


async def delayed(route: Route) -> None:
    await asyncio.sleep(1)
    await route.continue_()


PALE = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((part) => part / 255)
    .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const colour = numbers(getComputedStyle(element).backgroundColor);
      if (colour.length < 4 || colour[3]) return colour;
    }
  };
  const contrast = (element, pseudo) => {
    const both = [numbers(getComputedStyle(element, pseudo).color), behind(element)].map(light);
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
  };
  const texts = [...document.querySelectorAll("body *")].filter((each) => each.getClientRects().length
    && [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
  const hints = [...document.querySelectorAll("[placeholder]")].filter((each) => contrast(each, "::placeholder") < 4.5);
  return [...texts.filter((each) => contrast(each) < 4.5), ...hints].map((each) => each.outerHTML.slice(0, 90));
}"""


# What axe-core calls heading-order, link-name, button-name, duplicate-id, bypass, region and label.
FAULTS = """() => {
  const all = (chosen) => [...document.querySelectorAll(chosen)], seen = (each) => each.getClientRects().length;
  const levels = all("h1, h2, h3, h4").filter(seen).map((each) => Number(each.tagName[1]));
  const ids = all("[id]").map((each) => each.id);
  const unnamed = (each) => !(each.getAttribute("aria-label") || each.textContent).trim();
  const first = all("a, button, input:not([type=hidden]), select, textarea, [tabindex='0']")[0];
  return [
    ...levels.filter((level, place) => level > (levels[place - 1] ?? 0) + 1).map((level) => `h${level} too deep`),
    ...ids.filter((id, place) => ids.indexOf(id) !== place).map((id) => `#${id} stands here twice`),
    ...all("a, button").filter((each) => seen(each) && unnamed(each)).map((each) => `no name: ${each.outerHTML}`),
    ...all("input:not([type=hidden]), select, textarea").filter((each) => !each.labels.length)
      .map((each) => `no label: ${each.outerHTML}`),
    ...all("body > *").filter((each) => seen(each) && !each.matches(".skip, header, main, footer, aside, nav, [role]"))
      .map((each) => `outside of all landmarks: ${each.outerHTML.slice(0, 90)}`),
    ...(document.querySelector(first.hash || "none")?.matches("main") ? [] : ["nothing leads past the head"]),
  ];
}"""


WIDE = """document.documentElement.scrollWidth <= document.documentElement.clientWidth
  && [...document.querySelectorAll("section")].every(one => one.scrollWidth <= one.clientWidth)"""

COMPARED = """rules: []
experiments:
  - name: Bar
    slot: home.hero
    variants: [{name: control, show: nothing new}, {name: new, show: {banner: {title: x}}}]
"""


def met(number: int) -> list[Arrival]:
    """A visitor of the experiment, of whom every fourth orders where nothing is new, and else every second."""
    name, at, is_new = f"visitor{number}", 1_795_435_200.0, number % 2 == 0
    details: dict[str, str | float | bool] = {"slot home.hero": f"Bar / {'new' if is_new else 'control'}"}
    view = Event(at, "page:1", "page viewed", "/", shown=("Bar",) if is_new else ())
    orders = [Event(at + 9, "shop:1", "order completed", value=20.0)] if number % 4 == 0 or number % 8 == 1 else []
    return [
        Arrival(name, view, "page", at, details=details),
        *(Arrival(name, order, "shop", at) for order in orders),
    ]


async def test_a_merchandiser_reads_what_an_experiment_brought_by_keyboard_alone(tab: Tab, tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text(COMPARED)
    (tmp_path / "slots.yaml").write_text("slots: {home.hero: {}}")
    url = f"sqlite:{tmp_path}/store.db"
    async with aclosing(open_store(url)) as store:
        await store.apply([one for number in range(4_000) for one in met(number)])
    page = tab.page
    async with running(*DEMO, "--rules", str(tmp_path), "--store", url, until="Ctrl-C") as printed:
        await page.goto(link(printed, "the studio"))
        await page.get_by_role("link", name="Bar", exact=True).focus()
        await page.keyboard.press("Enter")
        await page.get_by_text(
            re.compile("^better by .* %$")
        ).wait_for()  # it asks again by itself until all is counted
        assert "of 4,00" in (await page.inner_text("main")).lower()
        for width in (1280, 390):
            await page.set_viewport_size({"width": width, "height": 800})
            await page.wait_for_function(WIDE)
        for scheme in ("dark", "light"):
            await page.emulate_media(color_scheme=scheme)
            assert await page.evaluate(PALE) == []
        await page.set_viewport_size({"width": 1280, "height": 800})
        spans = await page.evaluate("[...document.querySelectorAll('svg .span')].map(one => one.getBBox().width)")
        assert spans and all(spans)
        await page.get_by_label("A difference matters from").focus()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Tab")
        await page.keyboard.type("device")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_url(re.compile("matters=10&by=device"))
        assert await page.get_by_label("A difference matters from").input_value() == "10"
        async with page.expect_download() as loading:
            await page.get_by_role("link", name="CSV").focus()
            await page.keyboard.press("Enter")
        table = (await (await loading.value).path()).read_text("utf-8-sig")
        assert table.startswith("rule,since,group,visitors,") and ",new,2000,order completed,1000," in table
        await page.get_by_role("link", name="The rule in the list of rules").click()
        await page.wait_for_url(re.compile(r"/\?page=1#rule-1$"))
        assert await page.locator("#rule-1").inner_text()
        assert tab.complaints == []


async def test_who_uses_a_keyboard_is_where_something_happened(tab: Tab, tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text(RULES)
    (tmp_path / "slots.yaml").write_text("slots: {home.hero: {}}")
    page, focused = tab.page, "document.activeElement"
    async with running(*DEMO, "--rules", str(tmp_path), until="Ctrl-C") as printed:
        await page.goto(f"{link(printed, 'the studio')}/?page=2")
        await page.get_by_role("button", name="Pause Winter x120x", exact=True).focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url(re.compile("page=2#rule-121$"))
        await page.keyboard.press("Tab")
        assert await page.evaluate(f"{focused}.closest('tr')?.id") == "rule-121"
        await page.goto(f"{link(printed, 'the studio')}/file?name=a.rules.yaml")
        await page.get_by_label("Its text").press("Control+Home")
        await page.keyboard.type("ruless: []\n")
        await page.get_by_role("button", name="Save").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_function(f"{focused}.getAttribute('role') === 'alert'")
        assert 'I do not know "ruless"' in await page.evaluate(f"{focused}.innerText")
        assert (await page.title()).startswith("Not saved: ")


async def gone(route: Route) -> None:
    await route.abort()


async def locked(route: Route) -> None:
    await route.fulfill(status=401, body="the admin listener wants its token")


async def test_what_was_written_while_the_studio_was_away_is_not_lost(tab: Tab, tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text("rules: []\n")
    (tmp_path / "slots.yaml").write_text("slots: {home.hero: {}}")
    page, written = tab.page, "rules: []\n# an hour of work\n"
    async with running(*DEMO, "--rules", str(tmp_path), until="Ctrl-C") as printed:
        await page.goto(f"{link(printed, 'the studio')}/file?name=a.rules.yaml")
        text = page.get_by_label("Its text")
        for answer in (gone, locked):
            await page.route("**/file", answer)
            await text.fill(written)
            await page.get_by_text("Not checked: the studio does not answer.").wait_for()
            await text.press("Tab")
            await page.get_by_role("button", name="Save").click()
            await page.wait_for_url(re.compile("chromewebdata|/file$"))
            await page.unroute("**/file")
            (tmp_path / "a.rules.yaml").write_text("rules: []\n# meanwhile\n")
            await page.go_back()
            await page.get_by_text("What you wrote here is back. It is not saved yet.").wait_for()
            assert await text.input_value() == written
        await page.get_by_role("button", name="Save").click()
        assert "somebody has changed" in await page.get_by_role("alert").inner_text()
        assert await text.input_value() == written
        page.on("dialog", lambda dialog: dialog.accept())
        await page.goto(f"{link(printed, 'the studio')}/file?name=a.rules.yaml")  # left, although it was asked
        assert "# meanwhile" in await text.input_value()


async def test_a_count_or_a_list_that_cannot_be_had_is_not_told_as_if_it_were(tab: Tab) -> None:
    async with running(*DEMO, until="Ctrl-C") as printed:
        await tab.page.goto(f"{link(printed, 'the studio')}/segments")
        await tab.page.get_by_label("A condition").fill("orders: at least 3")
        await tab.page.get_by_text(re.compile(r"^about [\d,]+ visitors?, ")).wait_for()
        await tab.page.route("**/size", gone)
        await tab.page.get_by_label("A condition").fill("orders: at least 2")
        await tab.page.get_by_text("Not counted: the studio does not answer.").wait_for()
        await tab.page.goto(link(printed, "the studio"))
        await tab.page.route("**/?find=*", gone)
        await tab.page.get_by_label("Find a rule").fill("trail")
        await tab.page.get_by_text("The studio does not answer: this list is as it was.").wait_for()


async def test_where_one_is_stands_out_in_forced_colours(tab: Tab) -> None:
    async with running(*DEMO, until="Ctrl-C") as printed:
        await tab.page.emulate_media(forced_colors="active")
        await tab.page.goto(link(printed, "the studio"))
        edge = "[...document.querySelectorAll('header nav a')].map(each => getComputedStyle(each).borderBottomColor)"
        here, *others = await tab.page.evaluate(edge)
        assert here not in others


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_all_texts_stand_out_and_pages_are_in_order_for_who_cannot_see_them(scheme: Any, tab: Tab) -> None:
    async with running(*DEMO, until="Ctrl-C") as printed:
        await tab.page.emulate_media(color_scheme=scheme)
        pages = (
            "/",
            "/files",
            "/file?name=home.rules.yaml",
            "/versions",
            "/plan",
            "/results",
            "/segments",
            "/why?url=/",
        )
        for path in pages:
            await tab.page.goto(link(printed, "the studio") + path)
            assert await tab.page.evaluate(PALE) == []
            assert await tab.page.evaluate(FAULTS) == []
        for width in (1280, 390):
            await tab.page.set_viewport_size({"width": width, "height": 800})
            for path in ("/", "/search?q=trail", "/cart"):
                await tab.page.goto(link(printed, "the shop, personalised") + path)
                assert await tab.page.evaluate(FAULTS) == []
