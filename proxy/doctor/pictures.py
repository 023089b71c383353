"""Pictures that the rules of a folder show: whether the shop has them. A banner whose picture is missing shows a gap,
and nobody who writes rules is told.

Pure: which addresses to ask for, and what is said of the answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from proxy.doctor.fetched import Level, Line
from proxy.page.fragments import Fragment
from proxy.page.markup import Markup
from proxy.page.piece import Piece

MOST = 50
"""So many pictures are asked for, those of the first rules."""


class Shown(NamedTuple):
    """What a picture's address answered: its status, and its kind, as image/webp."""

    status: int
    kind: str


def pictures_of(fragments: Mapping[str, Fragment]) -> dict[str, str]:
    """The addresses of pictures on the shop's own host, as they stand, each with the first that shows it."""
    found: dict[str, str] = {}
    for name, fragment in fragments.items():
        body = b"".join(part.plain for part in fragment.parts if isinstance(part, Piece))
        page = Markup(body)
        for element in page.document.select("img[src]") if b"<img" in body else ():
            address = page.attribute(element, "src")
            if address.startswith("/") and not address.startswith("//"):
                found.setdefault(address, name)
    return dict(list(found.items())[:MOST])


def told_of_pictures(named: Mapping[str, str], answers: Mapping[str, Shown]) -> Iterator[Line]:
    """A line for each that is no picture, or one for all when they are. `named` are what shows them."""
    wrong = [(address, shown) for address, shown in answers.items() if not _is_picture(shown)]
    for address, shown in wrong:
        what = f"answers {shown.status}" if shown.status else "does not answer"
        what = f"is {shown.kind or 'of no kind'}, no picture" if shown.status == 200 else what
        fix = "put it there, or write another address"
        yield Line(Level.WARN, "pictures", f'{address}, which "{named[address]}" shows, {what}', fix)
    if answers and not wrong:
        yield Line(Level.OK, "pictures", f"all {len(answers)} that rules show are there")


def _is_picture(shown: Shown) -> bool:
    return shown.status == 200 and shown.kind.startswith("image/")
