"""A catalogue with names that try to run something: in cards and in pages, nothing executes in Chromium."""

from __future__ import annotations

import os
import random

import pytest

from proxy.model import Product
from proxy.page.fragments import Wrapper
from proxy.page.piece import Piece
from proxy.page.product_row import product_row
from tests.browser.conftest import Tab

NAMES = 5_000 if os.environ.get("BAR_FULL") else 500
AT_ONCE = 250
RUN = "window.ran=(window.ran||0)+1"
SEEDS = [
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f'" onmouseover="{RUN}" autofocus onfocus="{RUN}" x="',
    f"' onerror='{RUN}' src='x",
    f"javascript:{RUN}",
    f"java\tscript:{RUN}",
    f" javascript:{RUN}",
    f"data:text/html,<script>{RUN}</script>",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'>",
    f"<math><mtext></p><style><img src=x onerror={RUN}></style></mtext></math>",
    f"--><script>{RUN}</script><!--",
    f"]]><script>{RUN}</script>",
    f"</li></ul></section></div><script>{RUN}</script>",
    f"</title></textarea></style></noscript><script>{RUN}</script>",
    "{{ constructor.constructor('" + RUN + "')() }}",
    "{% raw %}{{ product.title }}",
    f"\u202e<script>{RUN}</script>",
    f"<scr\x00ipt>{RUN}</scr\x00ipt>",
    f"&lt;script&gt;{RUN}&lt;/script&gt;",
    f"&#60;img src=x onerror={RUN}&#62;",
    f"<a href=javascript:{RUN}>x</a>",
    f"<base href='javascript:{RUN}//'>",
    f"<form action=javascript:{RUN}><button autofocus>x",
    f"<details open ontoggle={RUN}>",
    f"<video><source onerror={RUN}></video>",
    f"<x style=animation-name:x onanimationstart={RUN}>",
    f"%3Cscript%3E{RUN}%3C/script%3E",
]

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.bar("E7")]


def hostile(count: int) -> list[Product]:
    """Products each of whose words is one of the seeds, whole, doubled, cut or joined."""
    dice = random.Random(7)

    def word() -> str:
        one, two = dice.choice(SEEDS), dice.choice(SEEDS)
        return dice.choice(
            [one, one + two, one[: dice.randrange(1, len(one))] + two, one.upper(), f'"{one}', f"/{one}"]
        )

    return [
        Product(f"SKU-{n}", word(), word(), word(), word(), 1.0, word(), word(), 10, 10, tags=frozenset({word()}))
        for n in range(count)
    ]


def html(products: list[Product], card: str | None = None) -> str:
    made = (
        product_row(Wrapper("A rule"), title="Row", card=card) if card else product_row(Wrapper("A rule"), title="Row")
    )
    filled = made.filled(products, 0.0, is_common=False)
    parts = (part.plain if isinstance(part, Piece) else part for part in filled.fill({}))
    return b"".join(parts).decode()


CARD = (
    "<article title='{{ product.title }}' data-x={{ product.brand }}><h3>{{ product.title }}</h3>"
    "<a href='{{ product.link }}'>{{ product.category }}</a><img src='{{ product.image }}' alt='{{ product.title }}'>"
    "{% for tag in product.tags %}<b>{{ tag }}</b>{% endfor %}</article>"
)


async def test_no_name_of_a_product_runs_anything(tab: Tab) -> None:
    products = hostile(NAMES)
    for start in range(0, NAMES, AT_ONCE):
        some = products[start : start + AT_ONCE]
        for card in (None, CARD):
            await tab.page.set_content(f"<!doctype html><body>{html(some, card)}</body>")
            await tab.page.evaluate(
                "() => document.querySelectorAll('a, img, article').forEach(e => {"
                "  e.dispatchEvent(new Event('mouseover')); e.focus && e.focus();"
                "  if (e.tagName === 'A') e.addEventListener('click', c => c.preventDefault()) })"
            )
            links = await tab.page.evaluate("() => [...document.links].map(link => link.protocol)")
            assert not {"javascript:", "data:", "vbscript:"} & set(links)
            assert await tab.page.evaluate("() => window.ran || 0") == 0
    print(f"\n{NAMES:,} hostile products, drawn twice each: nothing executed")


async def test_the_oracle_hears_what_would_run(tab: Tab) -> None:
    await tab.page.set_content(f"<!doctype html><body>{SEEDS[2]}</body>")
    await tab.page.wait_for_function("() => window.ran === 1")
