"""A place in a page in words for people: `html > body > form > input@value, line 12`."""

from __future__ import annotations

from dataclasses import dataclass

from turbohtml import Element

_MOST_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Location:
    """An element by its CSS path, an attribute of it or (with "") its text, and its line in the page's source."""

    path: str
    attribute: str = ""
    line: int = 0

    def __str__(self) -> str:
        at = f"@{self.attribute}" if self.attribute else ""
        line = f", line {self.line}" if self.line else ""
        return f"{self.path[-_MOST_CHARACTERS:]}{at}{line}"


def location_of(element: Element, attribute: str = "") -> Location:
    """The place of an element of a document parsed with its locations."""
    return Location(element.css_path(), attribute, element.source_line or 0)
