from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from starlette.applications import Starlette

from proxy.demo.shop import create_shop

Browser = Callable[[], httpx.AsyncClient]


@pytest.fixture(scope="session")
def shop() -> Starlette:
    return create_shop()


@pytest.fixture
def browser(shop: Starlette) -> Browser:
    """Opens one browser: its own cookies, the shop at http://shop.test."""
    return lambda: httpx.AsyncClient(transport=httpx.ASGITransport(shop), base_url="http://shop.test", verify=False)
