from __future__ import annotations

import asyncio

from proxy.processes.ticks import set_back


async def test_a_clock_that_is_set_back_is_noticed_each_time_and_one_that_goes_on_is_not() -> None:
    told = iter([100.0, 101.0, 100.5, 9_000.0, 50.0, 51.0, 20.0])
    found = set_back(lambda: next(told), 0.0)
    async with asyncio.timeout(20):
        assert [await anext(found), await anext(found)] == [8_950.0, 31.0]
    await found.aclose()
