"""Where two copies of a page differ: what an origin puts there anew for each visitor, or each time.

Both are parsed and walked side by side. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest

import turbohtml
from turbohtml import Comment, Element, Node, Text

from proxy.page.seen import SeenAt, seen_at


@dataclass(frozen=True, slots=True)
class Difference:
    """A place, and what the one page and the other say there; "" where an element is missing."""

    place: SeenAt
    one: str
    other: str


def differences(one: bytes, other: bytes, most: int = 20) -> list[Difference]:
    """The first places where the pages differ; none when they are the same bytes. Where an element is in one of them
    only, or is another, nothing after it is compared."""
    if one == other:
        return []
    found = list(islice(_walk(_parsed(one), _parsed(other)), most))
    return found or [Difference(SeenAt("the page", line=_line(one, other)), "", "")]


def _parsed(body: bytes) -> turbohtml.Document:
    return turbohtml.parse(body.decode("latin-1"), source_locations=True, scripting=True)


def _line(one: bytes, other: bytes) -> int:
    """Of a difference that no parser sees, as in the space within a tag."""
    same = next((at for at, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), min(len(one), len(other)))
    return one.count(b"\n", 0, same) + 1


def _walk(one: turbohtml.Document, other: turbohtml.Document) -> Iterator[Difference]:
    within: Element | None = None
    for left, right in zip_longest(one.descendants, other.descendants):
        if isinstance(left, Element) and isinstance(right, Element) and left.tag == right.tag:
            within = left
            yield from _attributes(left, right)
        elif isinstance(left, Text | Comment) and type(left) is type(right):
            if left.data != right.data:
                yield Difference(_place(left, within), left.data, right.data)
        elif type(left) is not type(right) or isinstance(left, Element):
            yield Difference(_place(left or right, within), _name(left), _name(right))
            return


def _attributes(left: Element, right: Element) -> Iterator[Difference]:
    for name in sorted({*left.attrs, *right.attrs}):
        one, other = left.attrs.get(name), right.attrs.get(name)
        if one != other:
            yield Difference(seen_at(left, name), _written(one), _written(other))


def _written(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "")


def _place(node: Node | None, within: Element | None) -> SeenAt:
    parent = node if isinstance(node, Element) else getattr(node, "parent", None)
    element = parent if isinstance(parent, Element) else within
    return seen_at(element) if element is not None else SeenAt("the page", line=1)


def _name(node: Node | None) -> str:
    return f"<{node.tag}>" if isinstance(node, Element) else ""
