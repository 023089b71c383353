"""Takes the README's picture, one page as two visitors see it, of the running demo. Needs Chromium; run it from the top
of the project: `.venv/bin/python -m docs.make_pictures`."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from pathlib import Path

from playwright.async_api import Browser, ViewportSize

from tests.browser.chromium import chromium
from tests.running import DEMO, link, running

PICTURE = Path(__file__).parent / "pictures" / "two-visitors.png"
SCREEN = ViewportSize(width=1100, height=700)
SHEET = ViewportSize(width=1440, height=458)


async def home_as(visitor: str, shop: str, browser: Browser) -> bytes:
    """A picture of the home page as that visitor sees it."""
    async with await browser.new_context(viewport=SCREEN) as context:
        page = await context.new_page()
        await page.goto(f"{shop}/_tb/demo/as/{visitor}", wait_until="networkidle")
        return await page.screenshot()


async def side_by_side(pictures: list[bytes], browser: Browser) -> bytes:
    """One picture of them all."""
    sources = [f"data:image/png;base64,{b64encode(picture).decode()}" for picture in pictures]
    images = "".join(f'<img src="{source}" style="flex:1;min-width:0">' for source in sources)
    async with await browser.new_context(viewport=SHEET) as context:
        page = await context.new_page()
        await page.set_content(f'<body style="margin:0;display:flex;align-items:start;gap:8px">{images}')
        return await page.screenshot()


async def main() -> None:
    """Writes the picture."""
    async with running(*DEMO, until="Ctrl-C") as printed, chromium() as browser:
        shop = link(printed, "the shop, personalised")
        homes = [await home_as(visitor, shop, browser) for visitor in ("anna", "ben")]
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_bytes(await side_by_side(homes, browser))


if __name__ == "__main__":
    asyncio.run(main())
