"""What a card's template says makes no more than a card, whoever wrote it: else a worker would run out of memory."""

from __future__ import annotations

import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from proxy.errors import EditorError
from proxy.model import Product
from proxy.page.card_language import LONGEST_TAG, MOST_TAGS
from proxy.page.cards import Card
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok

SHOE = Product("SKU-1", "Trail shoe", "/p/1", price=129.0, currency="EUR", tags=frozenset({"eco", "new"}))
PAGE = b'<html><body><div data-slot="home.hero">ours</div></body></html>'
RULE = """version: 1
rules:
  - name: Row
    slot: home.hero
    show: {products: {strategy: [{chosen: [SKU-1]}], card: bomb}}
"""


@pytest.mark.parametrize(
    ("template", "drawn"),
    [
        ('{{ product.tags|join(", ") }}', "eco, new"),
        ('{{ product.title|replace("Trail ", "") }}', "shoe"),
        ('{{ "%.2f"|format(product.amount) }}', "129.00"),
        ('{% for tag in product.tags|reverse if tag != "eco" %}{{ loop.index }}{{ tag }}{% endfor %}', "1new"),
        ("{% for star in range(3) %}x{% endfor %}", "xxx"),
        ('{# "none" * 9 of this #}<b>*</b>{{ "*}}" if product.amount > 100 else "{{" }}', "<b>*</b>*}}"),
        ("{%- if product.was -%} sale {%- endif -%}", ""),
    ],
)
def test_what_cards_need_they_may(template: str, drawn: str) -> None:
    assert Card(template).draw(SHOE) == drawn


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ('{{ "x" * 1000000000 }}', "`*`"),
        ('{{ "}}" * 1000000000 }}', "`*`"),
        ('{# " #}{{ [1] * 1000000000 }}', "`*`"),
        ('{{ {"a": {"b": 1}}["a"]["b"] * 1000000000 }}', "`{`"),
        ('{{ [1]|batch(1000000000, "x") }}', "`batch`"),
        ('{{ "a"|indent(1000000000) }}', "`indent`"),
        ('{{ ["a"]|map("indent", 1000000000) }}', "`map`"),
        ('{{ "%1000000000d"|format(1) }}', "wide"),
        ('{{ "%*d"|format(1000000000, 1) }}', "wide"),
        ('{{ "%d"|format(product.title) }}', "%d"),
        ('{{ product.amount|join(",") }}', "iterable"),
        ('{{ "a".ljust(1000000000) }}', "ljust"),
        ('{{ product.title|replace("", product.title * 1) }}', "`*`"),
        ('{{ range(100)|join("' + "x" * 9_000 + '") }}', "characters"),
        ("{% for i in range(1000000) %}x{% endfor %}", "range"),
        ("{% for a in [product.title ~ product.title] %}{{ a }}{% endfor %}", "`for a in "),
        ("{% for a in product.tags recursive %}{{ loop([a ~ a]) }}{% endfor %}", "`for a in "),
        ("{% for a in range(99) %}{% for b in range(99) %}{% for c in range(99) %}x" + 3 * "{% endfor %}", "fuel"),
        ("{% for a in range(99) %}" + "x" * 9_000 + "{% endfor %}", "characters"),
        ("{% if 1 %}" * 501 + "{% endif %}" * 501, "at most 500"),
        ('{{ "', "no end"),
    ],
)
def test_what_grows_without_limit_is_refused(template: str, what: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(EditorError, match=what.replace("*", "[*]")):
        Card(template).draw(SHOE)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


CHAINS = [
    "{{ product.title" + "|upper" * 100_000 + " }}",
    "{{ " + "not " * 100_000 + "1 }}",
    "{{ " + "not " * 100_000,
    "{{ 1" + "+1" * 100_000 + " }}",
    "{{ product" + ".title" * 100_000 + " }}",
    "{{ product.id" + "[0]" * 100_000 + " }}",
    "{% if 1 %}" + "{% elif 1 %}" * 50_000 + "{% endif %}",
    "{{ " + "1 if 1 else " * 50_000 + "1 }}",
]

TRIES = """
import sys
from proxy.errors import EditorError
from proxy.page.cards import Card
try: Card(sys.stdin.read())
except EditorError: print("refused")
"""
"""Tried in a process of its own, as it would end this one."""


def test_long_chains_which_end_a_process_are_refused() -> None:
    for chain in CHAINS:
        done = subprocess.run([sys.executable, "-c", TRIES], input=chain.encode(), capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (0, b"refused\n"), chain[:20]


def test_as_many_tags_as_may_be_are_compiled_and_drawn() -> None:
    assert Card("{{ product.title|upper }}" * MOST_TAGS).draw(SHOE) == "TRAIL SHOE" * MOST_TAGS
    chain = "{{ product.title" + "|upper" * ((LONGEST_TAG - 20) // 6) + " }}"
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(Card(chain * 10).draw, SHOE).result() == "TRAIL SHOE" * 10


async def test_a_server_goes_on_with_the_rules_before_such_a_card(tmp_path: Path) -> None:
    product = '{"id": "SKU-1", "title": "Shoe", "link": "/p/1", "price": 1, "currency": "EUR"}\n'
    slots = "slots: {home.hero: {}}"
    files = {
        "slots.yaml": slots,
        "a.rules.yaml": RULE,
        "cards/bomb.html": "{{ product.title }}",
        "products.jsonl": product,
    }
    html = b"content-type: text/html", b"cache-control: max-age=600"
    async with Origin(always(ok(PAGE, *html))) as origin, Behind(origin.url, files, tmp_path) as shop:
        assert "Shoe" in (await shop.client.get("/")).text
        shop.write("cards/bomb.html", CHAINS[0])
        while "tailorbird_rule_problems 0" in shop.tailorbird.metrics.as_text():
            assert "Shoe" in (await shop.client.get("/")).text
