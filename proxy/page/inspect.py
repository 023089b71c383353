"""What matters about a page in the browser: whether a framework hydrates it, which slots would not survive that, and
the policies in its head.

React and Vue compare the HTML with what they would have rendered, and drop what differs: a banner among a slot's plain
children disappears at hydration. A slot rendered as raw HTML survives, but in the page it looks like any other. So the
slot helpers (`docs/helpers/`) mark it with `data-tb-raw`; see `docs/hydration.md`.
"""

from __future__ import annotations

from typing import NamedTuple

import turbohtml


class Framework(NamedTuple):
    """How to tell that a page is hydrated: an element that `selector` finds, or one of the byte `traces`."""

    name: str
    selector: str = ""
    traces: tuple[bytes, ...] = ()


# The most telling first. React separates texts by `<!-- -->` and marks Suspense by `<!--$-->`; Vue marks a fragment
# by `<!--[-->`. The last row is the mount point that the build tools of both write into a new project.
FRAMEWORKS = (
    Framework("Next.js", "#__next, script#__NEXT_DATA__", (b"self.__next_f",)),
    Framework("Nuxt", "#__nuxt, script#__NUXT_DATA__", (b"window.__NUXT__",)),
    Framework("Gatsby", "#___gatsby"),
    Framework("React Router", traces=(b"window.__remixContext", b"window.__reactRouterContext")),
    Framework("React", "[data-reactroot]", (b"<!--$-->", b"<!-- -->")),
    Framework("Vue", "[data-server-rendered]", (b"<!--[-->",)),
    Framework("React or Vue", "#root:has(~ script[type=module]), #app:has(~ script[type=module])"),
)


class Inspection(NamedTuple):
    """`framework` is "" when nothing seems to hydrate the page; `plain_slots` are the slots without the helpers' mark,
    in page order; `charset` and `policies` are those of `<meta>` elements."""

    framework: str
    plain_slots: tuple[str, ...]
    charset: str
    policies: tuple[str, ...]


def inspect(body: bytes) -> Inspection:
    """Reads an HTML page in any charset that has ASCII in it."""
    document = turbohtml.parse(body.decode("latin-1"), scripting=True)
    return Inspection(framework_of(document, body), _plain_slots(document), _charset(document), _policies(document))


def framework_of(document: turbohtml.Document, body: bytes) -> str:
    """What renders the page again in the browser; "" when nothing seems to."""
    for name, selector, traces in FRAMEWORKS:
        if any(trace in body for trace in traces) or (selector and document.select_one(selector)):
            return name
    return ""


def _plain_slots(document: turbohtml.Document) -> tuple[str, ...]:
    slots = document.select("[data-slot]:not([data-tb-raw]), tb-slot:not([data-tb-raw])")
    return tuple(str(slot.attrs.get("data-slot") or slot.attrs.get("name") or "") for slot in slots)


def _charset(document: turbohtml.Document) -> str:
    meta = document.select_one("meta[charset]")
    return str(meta.attrs["charset"]).strip().lower() if meta else ""


def _policies(document: turbohtml.Document) -> tuple[str, ...]:
    metas = document.select('meta[http-equiv="content-security-policy" i][content]')
    return tuple(str(meta.attrs["content"]) for meta in metas)
