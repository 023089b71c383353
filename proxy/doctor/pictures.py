"""Checks that the shop has the pictures that rules show and the pages that their links lead to: a banner without its
picture shows a gap. No IO: which addresses to ask for, and the lines about what they answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from proxy.doctor.fetched import Level, Line
from proxy.page.fragments import Fragment
from proxy.page.markup import Markup
from proxy.page.piece import Piece

NO_PAGE = (0, 400, 404, 410)
MOST = 50
"""So many pictures are asked for, those of the first rules, and as many pages."""


class Shown(NamedTuple):
    """The answer of an address: its status and content type, as image/webp."""

    status: int
    kind: str


def pictures_of(fragments: Mapping[str, Fragment]) -> dict[str, str]:
    """The addresses of pictures on the shop's own host, each with the first rule that shows it."""
    return _addresses(fragments, b"<img", "img[src]", "src")


def links_of(fragments: Mapping[str, Fragment]) -> dict[str, str]:
    """The addresses of linked pages on the shop's own host, each with the first rule that links to it."""
    return _addresses(fragments, b"<a", "a[href]", "href")


def _addresses(fragments: Mapping[str, Fragment], hint: bytes, selector: str, attribute: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, fragment in fragments.items():
        body = b"".join(part.plain for part in fragment.parts if isinstance(part, Piece))
        page = Markup(body)
        for element in page.document.select(selector) if hint in body else ():
            address = page.attribute(element, attribute)
            if address.startswith("/") and not address.startswith("//"):
                found.setdefault(address, name)
    return dict(list(found.items())[:MOST])


def picture_lines(named: Mapping[str, str], answers: Mapping[str, Shown]) -> Iterator[Line]:
    """A line for each address without a picture, or one line when all have one. `named` are the rules that show
    them."""
    wrong = [(address, shown) for address, shown in answers.items() if not _is_picture(shown)]
    for address, shown in wrong:
        what = f"is {shown.kind or 'of no kind'}, no picture" if shown.status == 200 else _answered(shown)
        fix = "put it there, or write another address"
        yield Line(Level.WARN, "pictures", f'{address}, which "{named[address]}" shows, {what}', fix)
    if answers and not wrong:
        yield Line(Level.OK, "pictures", f"all {len(answers)} that rules show are there")


def link_lines(named: Mapping[str, str], answers: Mapping[str, Shown]) -> Iterator[Line]:
    """A line for each address without a page, or one line when all have one. A page that wants a login counts as a
    page."""
    wrong = [(address, shown) for address, shown in answers.items() if shown.status in NO_PAGE or shown.status >= 500]
    for address, shown in wrong:
        fix = "write the address of a page that is there"
        yield Line(Level.WARN, "links", f'{address}, where "{named[address]}" leads, {_answered(shown)}', fix)
    if answers and not wrong:
        yield Line(Level.OK, "links", f"all {len(answers)} of banners lead to a page")


def _answered(shown: Shown) -> str:
    return f"answers {shown.status}" if shown.status else "does not answer"


def _is_picture(shown: Shown) -> bool:
    return shown.status == 200 and shown.kind.startswith("image/")
