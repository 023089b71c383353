"""Finds elements by the selectors of operators, within bounds.

Some selectors compare an element with its siblings, or look for others from each. Those take time with the square of
how many stand side by side: `*:nth-last-of-type(2) *` takes 20 ms where these are 2,000, and 2 s where they are 20,000.
Meanwhile the parser keeps everybody waiting, from a thread too.
"""

from __future__ import annotations

import re

from turbohtml import Document, Element

from proxy.page.markup import Markup

MOST_SIBLINGS = 2_000
"""Of one element, for a selector that compares them."""
_COMPARES = re.compile(r":nth-|:only-|-of-type|:has\(", re.IGNORECASE)


class TooManySiblings(Exception):
    """The page has so many elements side by side that the selector would take too long."""


def elements_by(selector: str, page: Markup, tree: Document | None = None) -> list[Element]:
    """The elements of the page that the selector finds, in this tree of it. Raises `TooManySiblings`."""
    document = page.document if tree is None else tree
    # Each element has a tag of its own, so most pages need not be looked through.
    if page.body.count(b"<") > MOST_SIBLINGS and _COMPARES.search(selector) and _is_wide(document):
        raise TooManySiblings
    return document.select(selector)


def has_nested_has(selector: str) -> bool:
    """Whether `:has()` stands within `:has()`, which CSS does not allow: each level takes as long as the page is."""
    depths: list[int] = []
    depth = 0
    for part in re.finditer(r":has\(|\(|\)", selector, re.IGNORECASE):
        if part[0] == ")":
            depth -= 1
            if depths and depths[-1] == depth:
                depths.pop()
            continue
        if len(part[0]) > 1:
            if depths:
                return True
            depths.append(depth)
        depth += 1
    return False


def _is_wide(document: Document) -> bool:
    """Whether some element has more than `MOST_SIBLINGS` in it."""
    return any(
        len(parent.children) > MOST_SIBLINGS
        and sum(isinstance(child, Element) for child in parent.children) > MOST_SIBLINGS
        for parent in document.select("*")
    )
