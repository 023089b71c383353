"""A page as doctor fetched it, and the type of the lines it prints."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from proxy.model import Headers
from proxy.page.includes import says_includes
from proxy.page.markup import Inspection, Markup, inspect
from proxy.page.redaction import NotRedacted, redacted
from proxy.page.slots import DeclaredSlot
from proxy.serve.pages import charset_of
from proxy.settings import Settings


class Level(enum.StrEnum):
    """ok: nothing to do; warn: it works, less well than it could; fail: the page is not personalised."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Line(NamedTuple):
    """The result of one check. `fix` is "" when there is nothing to mend."""

    level: Level
    check: str
    says: str
    fix: str = ""


@dataclass(frozen=True)
class FetchedPage:
    """A page as an anonymous visitor who accepts gzip gets it. `body` is decoded, and cut off after `max_page_bytes`
    and some; `path` and `query` are those of the URL, the path percent-decoded; `now` is when the answer's head came;
    `declared` are the slots of the rule folder, if `has_rules`; `seconds` is how long the rest took to come after the
    head; `wanted_cookies` are the names of cookies without which the shop leads to the page itself, to set them;
    `includes_by_policy`: cache.yaml says `includes: yes` of it."""

    path: str
    is_https: bool
    status: int
    headers: Headers
    body: bytes
    now: float
    settings: Settings
    declared: tuple[DeclaredSlot, ...] = ()
    has_rules: bool = False
    seconds: float = 0.0
    wanted_cookies: str = ""
    includes_by_policy: bool = False
    query: str = ""

    @property
    def address(self) -> str:
        """The path, and the parameters if it has some."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def all(self, name: bytes) -> list[bytes]:
        """Every value of the field `name` (lower case)."""
        return [value for key, value in self.headers if key == name]

    def get(self, name: bytes) -> str:
        """All values of the field joined by commas; "" when absent."""
        return b", ".join(self.all(name)).decode("latin-1")

    @property
    def is_bounded(self) -> bool:
        """False when the answer ends only with the connection."""
        return bool(self.all(b"content-length")) or "chunked" in self.get(b"transfer-encoding").lower()

    @cached_property
    def page(self) -> Inspection:
        """What is in the HTML."""
        return inspect(self.body)

    @cached_property
    def markup(self) -> Markup:
        """The page for the code that cuts it, which uses the answer's head alone; includes are taken out of it, or
        made slots."""
        page = Markup(self.body, charset_of(self.headers))
        made = redacted(page, (), has_includes=self.has_includes)
        return page if isinstance(made, NotRedacted) else page.of(made.body)

    @property
    def has_includes(self) -> bool:
        """Whether the shop, or the operator, says that the page has includes."""
        return self.includes_by_policy or any(map(says_includes, self.all(b"surrogate-control")))

    @cached_property
    def charset(self) -> str:
        """Of Content-Type, else of the `<meta>` element, else ""."""
        return charset_of(self.headers) or self.page.charset
