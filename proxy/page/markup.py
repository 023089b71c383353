"""A page's bytes and its tree, parsed once, when first needed; and what it tells of itself (hydration, policies).
(Parsing 56 KB takes 130 us, searching the bytes for one word 15 us.)

For the tree, each byte is decoded as one character, so its offsets are those of the page. ASCII is the same in every
charset of a page that is cut; `attribute` and `text_of` decode other text as the page says. The tree is shared and must
not be changed: a caller that has to change it takes it over (`take`), and the next one parses again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import turbohtml
from turbohtml import Document, Element

# Encoding Standard 4.2: of the encodings that browsers know, only these are not supersets of ASCII (an unknown label is
# ignored, and browsers fall back to one that is). NUL and ESC show that a label is wrong.
_FOREIGN_LABELS = (
    "utf-16", "utf16", "utf-32", "utf-7", "ucs-2", "unicode", "csunicode", "iso-10646", "iso-2022", "csiso2022",
)  # fmt: skip
# By the Encoding Standard these labels mean more letters than Python's codecs of the same names have.
_WIDER = {"iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "shift_jis": "cp932", "gb2312": "gb18030",
          "gbk": "gb18030", "euc-kr": "cp949", "iso-8859-9": "cp1254", "windows-31j": "cp932"}  # fmt: skip
_FOREIGN_MARKS = (b"\xff\xfe", b"\xfe\xff")
_UTF16_LABELS = ("utf-16", "ucs-2", "unicode", "csunicode", "iso-10646")
_FOREIGN_BYTES = (b"\0", b"\x1b")
_UTF8_MARK = "\xef\xbb\xbf"
_ROOTS = (b"<html", b"<body")
MOST_ROOT_ATTRIBUTES = 1_000
QUICK_BYTES = 32 * 1024
"""A page of this size is parsed in a tenth of a second, whatever it is."""


class Markup:
    """An HTML page. `charset` is that of its Content-Type, "" if it names none."""

    def __init__(self, body: bytes, charset: str = "") -> None:
        self.body = body
        self.charset = charset
        self._document: Document | None = None

    def of(self, body: bytes) -> Markup:
        """The page with this body; itself if the body is the same object."""
        return self if body is self.body else Markup(body, self.charset)

    @cached_property
    def text(self) -> str:
        """The page with one character per byte. The parser would normalise CRLF to one character: a space instead of
        the CR is parsed the same and keeps the length; so do three spaces for the byte-order mark."""
        text = self.body.decode("latin-1")
        if "\r" in text:
            text = text.replace("\r\n", " \n")
        return "   " + text[3:] if text.startswith(_UTF8_MARK) else text

    @property
    def document(self) -> Document:
        """The tree, with source locations. Scripting is on, as in browsers, so the content of `noscript` is text."""
        if self._document is None:
            self._document = turbohtml.parse(self.text, source_locations=True, scripting=True)
        return self._document

    def take(self) -> Document:
        """The tree, for a caller that changes it."""
        document, self._document = self.document, None
        return document

    @cached_property
    def foreign_at(self) -> int:
        """The first offset that shows that the page's encoding is no superset of ASCII; -1 if none does."""
        if self.charset.strip().lower().startswith(_FOREIGN_LABELS) or self.body.startswith(_FOREIGN_MARKS):
            return 0
        return next((at for foreign in _FOREIGN_BYTES if (at := self.body.find(foreign)) >= 0), -1)

    @property
    def is_slow(self) -> bool:
        """Whether parsing would stop the worker for seconds. A further `<body>` adds its attributes to the first, and
        the parser compares each with all that are there: a megabyte of `<body a1=x><body a2=x>` takes a minute."""
        if len(self.body) <= QUICK_BYTES:
            return False
        page = self.in_utf8()
        lower = page.body.lower()
        if all(lower.count(root) < 2 for root in _ROOTS):
            return False
        roots = (token for token in turbohtml.tokenize(page.text) if token.tag in ("html", "body"))
        return sum(len(root.attrs or ()) for root in roots) > MOST_ROOT_ATTRIBUTES

    def in_utf8(self) -> Markup:
        """The page as UTF-8, for callers that only read it; itself unless it is in UTF-16."""
        label = self.charset.strip().lower()
        if not (self.body.startswith(_FOREIGN_MARKS) or label.startswith(_UTF16_LABELS)):
            return self
        is_big = self.body.startswith(b"\xfe\xff") or (label.endswith("be") and not self.body.startswith(b"\xff\xfe"))
        return Markup(self.body.decode("utf-16-be" if is_big else "utf-16-le", "replace").encode("utf-8", "replace"))

    @cached_property
    def encoding(self) -> str:
        """Python's name of the page's charset, as its Content-Type or itself says; UTF-8 if neither does."""
        label = self.charset.strip().lower() or _charset(self.document)
        name = _WIDER.get(label, label)
        try:
            return name if b"<\xe9".decode(name, "replace").startswith("<") else "utf-8"
        except (LookupError, ValueError):  # as of `zlib`, which Python takes for a codec, too
            return "utf-8"

    def attribute(self, element: Element, name: str) -> str:
        """The value of an element's attribute, "" if it has none."""
        value = element.attr(name) or ""
        if value.isascii() and "\n" not in value:
            return value
        where = element.source_location
        if where is None or where.start_tag is None:
            return value
        tag = self.body[where.start_tag.start_offset : where.start_tag.end_offset].decode(self.encoding, "replace")
        return next(iter(turbohtml.tokenize(tag))).attr(name) or ""

    def text_of(self, script: Element) -> str:
        """The content of a script."""
        return script.text.encode("latin-1", "replace").decode(self.encoding, "replace")


_MARKS = (b"data-slot", b"data-list", b"data-product", b"tb-slot", b"esi:", b"application/ld")


def has_marks(body: bytes, charset: str) -> bool:
    """Whether a page may have slots, lists or products, except by the selectors of operators; True if its encoding is
    in doubt. Names of tags and attributes cannot be written in other characters. (For 56 KB it takes 100 us; to parse
    the page and look for all that takes 500.)"""
    lower = body.lower()
    return any(mark in lower for mark in _MARKS) or Markup(body, charset).foreign_at >= 0


# -- What matters about a page in the browser: whether a framework hydrates it, which slots would not survive that, and
# the policies in its head.
# React and Vue compare the HTML with what they would have rendered, and drop what differs: a banner among a slot's
# plain children disappears at hydration. A slot rendered as raw HTML survives, but in the page it looks like any other.
# So the slot helpers (`docs/helpers/`) mark it with `data-tb-raw`; see `docs/hydration.md`.


class Framework(NamedTuple):
    """How to tell that a page is hydrated: an element that `selector` finds, or one of the byte `traces`. What the
    first of `roots` finds that the page has is rendered again, else the whole page. `name` is "" for none."""

    name: str
    selector: str = ""
    traces: tuple[bytes, ...] = ()
    roots: tuple[str, ...] = ()

    def renders(self, element: Element) -> bool:
        """Whether it renders the element of the page again."""
        return bool(self.name) and (not self.roots or element.closest(self.roots[0]) is not None)

    def of(self, document: turbohtml.Document) -> Framework:
        """What it is for this page: with one root, if any."""
        return self._replace(roots=tuple(filter(document.select_one, self.roots))[:1])

    @property
    def part(self) -> str:
        """What is rendered again."""
        return f"`{self.roots[0]}`" if self.roots else "the page"


# The most telling first. React separates texts by `<!-- -->`, marks Suspense by `<!--$-->`, as Solid does, and writes
# `charSet`; Vue and Svelte mark a fragment by `<!--[-->`. The last row is the mount point that the build tools of both
# write into a new project.
FRAMEWORKS = (
    Framework("Astro", "astro-island", roots=("astro-island",)),
    Framework("Next.js", "#__next, script#__NEXT_DATA__", (b"self.__next_f",), ("#__next",)),
    Framework("Nuxt", "#__nuxt, script#__NUXT_DATA__", (b"window.__NUXT__",), ("#__nuxt",)),
    Framework("Gatsby", "#___gatsby", roots=("#___gatsby",)),
    Framework("React Router", traces=(b"window.__remixContext", b"window.__reactRouterContext")),
    Framework("SvelteKit", traces=(b"__sveltekit_",)),
    Framework("Angular", traces=(b" ng-version=",), roots=("[ng-version]",)),
    Framework("Solid", traces=(b"_$HY",)),
    Framework("React", "[data-reactroot]", (b"<!--$-->", b"<!-- -->", b"<meta charSet="), ("#root", "#app")),
    Framework("Vue", "[data-server-rendered]", roots=("[data-server-rendered]",)),
    Framework("Vue or Svelte", traces=(b"<!--[-->",), roots=("#app",)),
    Framework("React or Vue", "#root:has(~ script[type=module]), #app:has(~ script[type=module])",
              roots=("#root", "#app")),
)  # fmt: skip
_NONE = Framework("")
_UNSEEN = frozenset({"script", "style", "noscript", "template"})


class Inspection(NamedTuple):
    """`framework` is what hydrates the page; `plain_slots` are the slots without the helpers' mark in what it renders,
    in page order; `charset` and `policies` are those of `<meta>` elements; `is_shell` is True when a page with scripts
    has nothing to see without them."""

    framework: Framework
    plain_slots: tuple[str, ...]
    charset: str
    policies: tuple[str, ...]
    is_shell: bool


def inspect(body: bytes) -> Inspection:
    """Reads an HTML page in any charset that has ASCII in it."""
    document = turbohtml.parse(body.decode("latin-1"), scripting=True)
    framework = framework_of(document, body)
    return Inspection(
        framework, _plain_slots(document, framework), _charset(document), _policies(document), _is_shell(document)
    )


def framework_of(document: turbohtml.Document, body: bytes) -> Framework:
    """What renders the page again in the browser; one without a name when nothing seems to."""
    for one in FRAMEWORKS:
        if any(trace in body for trace in one.traces) or (one.selector and document.select_one(one.selector)):
            return one.of(document)
    return _NONE


def _plain_slots(document: turbohtml.Document, framework: Framework) -> tuple[str, ...]:
    found = document.select("[data-slot]:not([data-tb-raw]), tb-slot:not([data-tb-raw])")
    slots = [slot for slot in found if not framework.name or framework.renders(slot)]
    return tuple(str(slot.attrs.get("data-slot") or slot.attrs.get("name") or "") for slot in slots)


def _charset(document: turbohtml.Document) -> str:
    if meta := document.select_one("meta[charset]"):
        return str(meta.attrs["charset"]).strip().lower()
    meta = document.select_one('meta[http-equiv="content-type" i][content]')
    return str(meta.attrs["content"]).lower().partition("charset=")[2].strip() if meta else ""


def _policies(document: turbohtml.Document) -> tuple[str, ...]:
    metas = document.select('meta[http-equiv="content-security-policy" i][content]')
    return tuple(str(meta.attrs["content"]) for meta in metas)


def _is_shell(document: turbohtml.Document) -> bool:
    body = document.select_one("body")
    if body is None or not document.select("script") or body.select("img, svg, picture, video, iframe, input, button"):
        return False
    texts = (node for node in body.descendants if isinstance(node, turbohtml.Text) and node.data.strip())
    return all(isinstance(text.parent, Element) and text.parent.tag in _UNSEEN for text in texts)


# -- A place in a page in words for people: `html > body > form > input@value, line 12`.

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
