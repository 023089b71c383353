"""The differences of two copies of a page: what an origin changes for each visitor, or each time.

Both are parsed and compared element by element. Numbers in comments may differ, since many systems write the time taken
(`<!-- Page generated in 0.123 seconds -->`). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, zip_longest

import turbohtml
from turbohtml import Comment, Element, Node, Text

from proxy.page.markup import Location, location_of

_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Difference:
    """A place, and the content of each page there; "" where an element is missing."""

    place: Location
    one: str
    other: str


def differences(one: bytes, other: bytes, most: int = 20) -> list[Difference]:
    """The first places where the pages differ; none when they are equal except for numbers in comments. After an
    element that is missing or different in one of them, nothing is compared."""
    if one == other:
        return []
    left, right = _parsed(one), _parsed(other)
    if found := list(islice(_walk(left, right), most)):
        return found
    for node, like in zip(left.descendants, right.descendants, strict=True):
        if isinstance(node, Comment) and isinstance(like, Comment) and node.data != like.data:
            one, other = _without(node, one), _without(like, other)
    return [] if one == other else [Difference(Location("the page", line=_line(one, other)), "", "")]


def _without(comment: Comment, body: bytes) -> bytes:
    return body.replace(f"<!--{comment.data}-->".encode("latin-1"), b"", 1)


def _parsed(body: bytes) -> turbohtml.Document:
    return turbohtml.parse(body.decode("latin-1"), source_locations=True, scripting=True)


def _line(one: bytes, other: bytes) -> int:
    """The first line that differs, for a difference that the tree does not show, as white space within a tag."""
    same = next((at for at, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), min(len(one), len(other)))
    return one.count(b"\n", 0, same) + 1


def _walk(one: turbohtml.Document, other: turbohtml.Document) -> Iterator[Difference]:
    within: Element | None = None
    for left, right in zip_longest(one.descendants, other.descendants):
        if isinstance(left, Element) and isinstance(right, Element) and left.tag == right.tag:
            within = left
            yield from _attributes(left, right)
        elif isinstance(left, Text | Comment) and type(left) is type(right):
            if left.data != right.data and not (isinstance(left, Comment) and _are_alike(left.data, right.data)):
                yield Difference(_place(left, within), left.data, right.data)
        elif type(left) is not type(right) or isinstance(left, Element):
            yield Difference(_place(left or right, within), _name(left), _name(right))
            return


def _are_alike(one: str, other: str) -> bool:
    """True for comments that are equal except for numbers; false for comments that are commands (ESI, SSI, conditional
    comments)."""
    return not one.lstrip().startswith(("esi", "#", "[")) and _NUMBER.sub("0", one) == _NUMBER.sub("0", other)


def _attributes(left: Element, right: Element) -> Iterator[Difference]:
    for name in sorted({*left.attrs, *right.attrs}):
        one, other = left.attrs.get(name), right.attrs.get(name)
        if one != other:
            yield Difference(location_of(left, name), _written(one), _written(other))


def _written(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "")


def _place(node: Node | None, within: Element | None) -> Location:
    parent = node if isinstance(node, Element) else getattr(node, "parent", None)
    element = parent if isinstance(parent, Element) else within
    if element is None:
        return Location("the page", line=1)
    place = location_of(element)
    return replace(place, path=f"a comment in {place.path}") if isinstance(node, Comment) else place


def _name(node: Node | None) -> str:
    return f"<{node.tag}>" if isinstance(node, Element) else ""
