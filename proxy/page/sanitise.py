"""The sanitiser: which HTML an editor's file may contain; everything else is removed.

nh3 (the Rust sanitiser ammonia) parses the HTML, keeps what is on the lists below and writes well-formed HTML.
`removed_from` reads the same lists only to report to the editor what was removed, and where.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import nh3
import turbohtml

from proxy.errors import EditorError

TAGS = frozenset({
    "a", "abbr", "article", "aside", "b", "bdi", "blockquote", "br", "caption", "cite", "code", "dd", "del", "details",
    "div", "dl", "dt", "em", "figcaption", "figure", "footer", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img",
    "ins", "kbd", "li", "mark", "nav", "ol", "p", "picture", "pre", "q", "s", "section", "small", "source", "span",
    "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "u", "ul",
})  # fmt: skip
ATTRIBUTES = {
    "*": {"class", "dir", "lang", "role", "title"},
    "a": {"href", "target"},
    "img": {"alt", "decoding", "fetchpriority", "height", "loading", "sizes", "src", "srcset", "width"},
    "ol": {"start"},
    "source": {"height", "media", "sizes", "srcset", "type", "width"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
}
PREFIXES = ("aria-", "data-")
RUN = re.compile(r"data-(?:bind|mage-init|(?:turbo-)?method|(?:ng|hx|x|wp|uk)[-:_].*)", re.IGNORECASE | re.DOTALL)
"""Attributes whose values scripts of the shop would run or act on: those of Knockout, Magento, Rails, AngularJS, htmx,
Alpine, WordPress's Interactivity API and UIkit."""
SCHEMES = frozenset({"https", "mailto", "tel"})
ADDRESSES = frozenset({"href", "src"})

MOST_ELEMENTS, MOST_ATTRIBUTES = 5_000, 500
"""Of a file, and of an element in it."""

_WITH_CONTENT = frozenset({"script", "style", "iframe", "object", "noscript", "template", "svg", "math", "title"})
_UNWRITTEN = frozenset({"html", "head", "body", "tbody"})
# As browsers read a scheme: blanks and controls before it do not count, tabs and newlines nowhere.
_BRACES = re.compile(r"\{(?=\{)")
_IGNORED_BEFORE = re.compile(r"^[\x00-\x20]+")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)

AttributeFilter = Callable[[str, str, str], str | None]


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed: an element (`attribute` is "") or an attribute of one, and its line in the file."""

    tag: str
    attribute: str
    line: int

    def __str__(self) -> str:
        return f"`{self.attribute}` of `<{self.tag}>`" if self.attribute else f"`<{self.tag}>`"


def sanitised(html: str, look: AttributeFilter | None = None) -> str:
    """`html` with only what the lists allow, well-formed. `look` is called with each attribute that is kept, and must
    return its value. No two braces stand together, which Vue and AngularJS would run as code if the page is their
    template: written as references, or around a comment, they come to light only here."""

    def keep(tag: str, attribute: str, value: str) -> str | None:
        return look(tag, attribute, value) if look and _is_harmless(attribute, value) else None

    return _BRACES.sub("{ ", (_cleaner(keep) if look else _PLAIN).clean(html))


def _cleaner(keep: AttributeFilter) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(TAGS),
        clean_content_tags=set(_WITH_CONTENT),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        generic_attribute_prefixes=set(PREFIXES),
        url_schemes=set(SCHEMES),
        attribute_filter=keep,
        link_rel="noopener",
    )


def removed_from(html: str) -> tuple[Removed, ...]:
    """What `sanitised` removes from `html`, in order. Raises `EditorError` for more elements, or attributes of one,
    than a banner can have: of three times as many, nested, nh3 takes ten times as long, minutes for a megabyte."""
    elements = turbohtml.parse_fragment(html).select("*")
    most_attributes = max((len(element.attrs) for element in elements), default=0)
    for number, most, what in (
        (len(elements), MOST_ELEMENTS, "elements"),
        (most_attributes, MOST_ATTRIBUTES, "attributes in one element"),
    ):
        if number > most:
            raise EditorError(
                f"there are {number:,} {what}, and {most:,} at most are read", help="leave out what is not needed"
            )
    return tuple(chain.from_iterable(_removed(element) for element in elements))


def is_allowed_address(address: str) -> bool:
    """True for a relative address, and for one with the scheme https, mailto or tel."""
    scheme = _SCHEME.match(_IGNORED_BEFORE.sub("", re.sub(r"[\t\r\n]", "", address)))
    return scheme is None or scheme[1].lower() in SCHEMES


def _removed(element: turbohtml.Element) -> Iterator[Removed]:
    line = element.source_line or 0
    if element.tag in _UNWRITTEN:
        return
    if element.tag not in TAGS:
        yield Removed(element.tag, "", line)
        return
    for name in element.attrs:
        if not (_is_listed(element.tag, name) and _is_harmless(name, element.attr(name) or "")):
            yield Removed(element.tag, name, line)


def _is_listed(tag: str, name: str) -> bool:
    return name in ATTRIBUTES["*"] or name in ATTRIBUTES.get(tag, ()) or name.startswith(PREFIXES)


def _is_harmless(attribute: str, value: str) -> bool:
    """nh3 checks the scheme of `href` and `src` itself, and overlooks `srcset`."""
    if attribute == "srcset":
        return all(is_allowed_address(candidate) for candidate in value.split(","))
    return is_allowed_address(value) if attribute in ADDRESSES else not RUN.fullmatch(attribute)


# Made once: passing the lists to nh3 takes longer than cleaning a card.
_PLAIN = _cleaner(lambda tag, attribute, value: value if _is_harmless(attribute, value) else None)
