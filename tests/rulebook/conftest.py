"""A small rule folder to write one file of."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from proxy.conditions.nodes import Node
from proxy.rulebook.compile import Loaded, load
from proxy.rulebook.lints import Site
from proxy.rulebook.read import read_yaml

FILES = {
    "slots.yaml": "slots:\n  home.hero: {page: /, longest title: 40}\n  all.topbar: {height: 40}\n",
    "attributes.yaml": "attributes:\n  orders: number\n  newsletter: truth\n  tags: set\n  city: text\n",
    "banners/promo.html": '<p><a href="/sale">Promotion</a></p>',
    "cards/wide.html": "<p>{{ product.title }}</p>",
    "products.jsonl": '{"id": "SKU-1", "title": "Trail runner", "link": "/p/SKU-1", "category": "shoes/trail"}\n'
    '{"id": "SKU-9", "title": "Rain jacket", "link": "/p/SKU-9", "in_stock": false}',
}
Publish = Callable[..., Loaded]


@pytest.fixture
def publish() -> Publish:
    """Loads the folder with `text` as the rule file, or as the file named; with a `site`, warnings are told too."""

    def publish(text: str, file: str = "a.rules.yaml", site: Site | None = None, **more: str) -> Loaded:
        rules = {} if file.endswith(".rules.yaml") else {"a.rules.yaml": "rules: []"}
        files = {**FILES, **rules, **more, file: text}
        return load({name: content.encode() for name, content in files.items()}, site=site)

    return publish


def node(text: str) -> Node:
    """The text's YAML as nodes."""
    root = read_yaml("x", text, [])
    assert root is not None
    return root
