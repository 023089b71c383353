"""The studio as an editor sees it: a condition is counted while it is typed, and its slips are told."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Tab
from tests.running import DEMO, link, running

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_condition_is_counted_while_it_is_typed(tab: Tab) -> None:
    async with running(*DEMO, until="Ctrl-C") as printed:
        studio = link(printed, "the studio")
        await tab.page.goto(f"{studio}/segments")
        assert "VIP" in await tab.page.inner_text("table")
        await tab.page.get_by_label("A condition").press_sequentially("orders: at least 3", delay=5)
        await tab.page.get_by_text("1 visitor, 25.0%").wait_for()
        await tab.page.get_by_label("A condition").fill("ordrs: at least 3")
        await tab.page.get_by_text('line 1: I do not know "ordrs" in a condition; did you mean "orders"?').wait_for()
        assert tab.complaints == []
