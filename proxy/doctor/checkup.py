"""What prevents the personalisation of a page: the lines that `tailorbird doctor` prints. No IO: the answer was fetched
elsewhere.

Each check is a row of `CHECKS` and gives at least one `Line`; a line that is not ok says one thing to do. What the
proxy would do with the page is determined by the proxy's own code (`places.py`, `httpcache/policy.py`), so that the two
cannot disagree.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from urllib.parse import unquote, urlsplit

from proxy.doctor.fetched import FetchedPage, Level, Line
from proxy.doctor.places import in_json, includes, lists, slots
from proxy.httpcache.policy import CacheReason, may_store
from proxy.httpcache.stored import CacheOptions, directives_and_lifetime, http_date
from proxy.page.selecting import TooManySiblings, elements_by
from proxy.page.tokens import DJANGO, tokens_in
from proxy.serve.pages import is_json

GUIDE = "docs/hydration.md"
PIECES_GUIDE = "docs/storefronts.md#pages-that-come-in-pieces"
OPENED_GUIDE = "docs/life-of-an-event.md#what-only-the-browser-knows"
MAX_SKEW_SECONDS = 5.0
SMALLEST_WORTH_COMPRESSING = 1_000
LONGEST_IN_PIECES_SECONDS = 0.3


def checkup(fetched: FetchedPage) -> list[Line]:
    """All lines; only those about the answer when it is not a page."""
    answer = list(_answer(fetched))
    if answer[0].level is Level.FAIL:
        return answer
    checks = OF_JSON if is_json(fetched.headers) else CHECKS
    return [*answer, *(line for check in checks for line in check(fetched))]


def _answer(fetched: FetchedPage) -> Iterator[Line]:
    kind = fetched.get(b"content-type").split(";")[0].strip().lower()
    if 300 <= fetched.status < 400:
        yield Line(Level.FAIL, "answer", f"it redirects to {fetched.get(b'location')}", _where_to_ask(fetched))
    elif fetched.status != 200:
        yield Line(
            Level.FAIL, "answer", f"the answer is {fetched.status}", _other_than_200(fetched.status, fetched.body)
        )
    elif is_json(fetched.headers) and any(slot.json and slot.is_on(fetched.path) for slot in fetched.declared):
        yield Line(Level.OK, "answer", f"200, {kind}")
    elif is_json(fetched.headers):
        fix = "say in slots.yaml what is to be filled or put in order there, by `json:`, and give doctor --rules"
        yield Line(Level.FAIL, "answer", "this is JSON, and slots.yaml has no path into it", fix)
    elif kind != "text/html":
        fix = "send pages with Content-Type: text/html; charset=utf-8"
        yield Line(Level.FAIL, "answer", f"the content type is `{kind or 'missing'}`, not HTML", fix)
    else:
        yield Line(Level.OK, "answer", f"200, {kind}")


def _where_to_ask(fetched: FetchedPage) -> str:
    """The URL of the same page by TLS, or on another host, to which the origin would redirect every request."""
    try:
        there = urlsplit(fetched.get(b"location"))
    except ValueError:  # brackets that do not close
        there = urlsplit("")
    if there.netloc and unquote(there.path or "/") == fetched.path:
        shop = f"{there.scheme}://{there.netloc}"
        here = f"if visitors come there, set TAILORBIRD_KEEP_HOST=true, and give doctor --public-url {shop}"
        return f"{here}; else ask doctor about that address, and have it as the origin: --origin {shop}"
    return "ask doctor about that address"


_SPEAKS_TLS = "it speaks TLS at that port: write https:// in its URL"
_ABOUT_TLS = {
    b"No required SSL certificate was sent": "it wants a certificate of ours: name it, with its key, in "
    "TAILORBIRD_ORIGIN_CERTIFICATE",
    b"The SSL certificate error": "it does not accept the certificate in TAILORBIRD_ORIGIN_CERTIFICATE",
    b"plain HTTP": _SPEAKS_TLS,
    b"HTTP request to an HTTPS server": _SPEAKS_TLS,
}
"""What nginx, Apache and Go's server say in a page of their own, with status 400."""


def _other_than_200(status: int, page: bytes) -> str:
    if status == 400 and (fix := next((fix for said, fix in _ABOUT_TLS.items() if said in page), "")):
        return fix
    if status >= 500:
        return "look into the shop's own log: it fails without Tailorbird, too"
    if status in (400, 421):
        return "does it know the host it is asked as? name it, and what visitors call it, in the shop's allowed hosts"
    if status in (404, 410):
        return "is the address right? the shop has no such page"
    return "ask for a page that an anonymous visitor may see"


def _size(fetched: FetchedPage) -> Iterator[Line]:
    limit = fetched.settings.max_page_bytes
    if len(fetched.body) > limit:
        fix = "make the page smaller, or raise TAILORBIRD_MAX_PAGE_BYTES"
        yield Line(Level.FAIL, "size", f"the page is larger than {limit:,} bytes and passes through untouched", fix)
    else:
        yield Line(Level.OK, "size", f"{len(fetched.body):,} of at most {limit:,} bytes")


def _charset(fetched: FetchedPage) -> Iterator[Line]:
    if fetched.charset:
        yield Line(Level.OK, "charset", fetched.charset)
    else:
        fix = "send Content-Type: text/html; charset=utf-8"
        yield Line(Level.WARN, "charset", "neither Content-Type nor a <meta charset> names the charset", fix)


def _hydration(fetched: FetchedPage) -> Iterator[Line]:
    framework, plain = fetched.page.framework, [*fetched.page.plain_slots, *_selected_plain(fetched)]
    again = f"{framework.name} renders {framework.part} again"
    if not framework.name:
        yield Line(Level.OK, "hydration", "nothing seems to render the page again in the browser")
    elif not plain:
        apart = f", and what is outside of {framework.part}," if framework.roots else ""
        yield Line(Level.OK, "hydration", f"{again}; it leaves raw slots{apart} alone")
    for slot in plain if framework.name else ():
        says = f"{again} in the browser and throws away what is put into `{slot}`"
        or_move = f", or put it outside of {framework.part}" if framework.roots else ""
        yield Line(Level.WARN, "hydration", says, f"render `{slot}` with TbSlot{or_move}, see {GUIDE}")


def _selected_plain(fetched: FetchedPage) -> Iterator[str]:
    """The slots that a selector of slots.yaml finds in what a framework renders, without the helpers' mark."""
    for slot in fetched.declared:
        if slot.selector and not slot.is_list and slot.is_on(fetched.path):
            with contextlib.suppress(TooManySiblings):
                found = elements_by(slot.selector, fetched.markup)
                if any(map(fetched.page.framework.renders, found)) and not any("data-tb-raw" in e.attrs for e in found):
                    yield slot.name


OPENERS = {
    "Turbo": "turbo-frame, meta[name^='turbo-'], script[src*='turbo'], link[href*='turbo']",
    "htmx": "[hx-boost], [data-hx-boost], [hx-push-url], [data-hx-push-url]",
    "Unpoly": "[up-follow], [up-main], script[src*='unpoly']",
    "Speculation-Rules": "script[type=speculationrules]",
}
"""What opens pages that no browser asked for when they were opened, and how it is seen in a page."""


def _opened(fetched: FetchedPage) -> Iterator[Line]:
    """No line for a page whose visits are all counted."""
    found = [name for name, selector in OPENERS.items() if fetched.markup.document.select_one(selector)]
    if fetched.get(b"speculation-rules") and "Speculation-Rules" not in found:
        found.append("Speculation-Rules")
    if found and b"/_tb/t.js" not in fetched.body:
        says = f"{' and '.join(found)} may open pages that were fetched before, which do not count, nor do their limits"
        fix = f'put <script src="/_tb/t.js" defer></script> on every page, see {OPENED_GUIDE}'
        yield Line(Level.WARN, "opened", says, fix)


NOT_KEPT = {
    CacheReason.NO_STORE: "no-store: every visit asks the origin",
    CacheReason.PRIVATE: "private: every visit asks the origin",
    CacheReason.NO_LIFETIME: "nothing says how long the page may be kept, so every visit asks the origin",
    CacheReason.NO_VALIDATOR: "the page is stale at once and has no ETag to ask the origin with",
}


def _cache(fetched: FetchedPage) -> Iterator[Line]:
    # What cookies and Vary do has lines of its own.
    headers = tuple(row for row in fetched.headers if row[0] not in (b"set-cookie", b"vary"))
    choices = CacheOptions.of(fetched.settings)
    verdict = may_store((), fetched.status, headers, fetched.now, choices)
    if "tailorbird" in fetched.get(b"cache-status"):
        yield Line(Level.WARN, "cache", "this answer came through Tailorbird", "ask doctor about the origin's address")
    elif not fetched.is_bounded:
        says = "only the closing of its connection ends the answer, and a cut looks the same, so it is never kept"
        yield Line(Level.WARN, "cache", says, "have the shop send Content-Length, or chunks")
    elif verdict:
        said, life = directives_and_lifetime(fetched.status, headers, fetched.now, choices)
        is_fresh = life.seconds > 0 and not said.no_cache
        for_how_long = f"kept for {life.seconds:.0f} s" if is_fresh else "kept, and checked on each visit"
        yield Line(Level.OK, "cache", for_how_long)
    else:
        fix = "send Cache-Control: public, max-age=60 with pages that are the same for everybody"
        yield Line(Level.WARN, "cache", NOT_KEPT[CacheReason(verdict.reason)], fix)


def _pieces(fetched: FetchedPage) -> Iterator[Line]:
    """No line for a page that comes at once."""
    if fetched.seconds > LONGEST_IN_PIECES_SECONDS:
        says = f"its last piece comes {fetched.seconds:.1f} s after the first, and visitors wait for it"
        where = "from the first slot on where the page is not kept"
        yield Line(Level.WARN, "pieces", f"{says}, {where}", f"see {PIECES_GUIDE}")


def _validator(fetched: FetchedPage) -> Iterator[Line]:
    if fetched.get(b"etag") or fetched.get(b"last-modified"):
        yield Line(Level.OK, "validator", "ETag" if fetched.get(b"etag") else "Last-Modified")
    else:
        fix = "send an ETag, so that an unchanged page need not be sent again"
        yield Line(Level.WARN, "validator", "neither ETag nor Last-Modified", fix)


def _cookies(fetched: FetchedPage) -> Iterator[Line]:
    names = ", ".join(value.split(b"=")[0].decode("latin-1") for value in fetched.all(b"set-cookie"))
    if wanted := fetched.wanted_cookies:
        says = f"who comes without {wanted} is redirected to the same page, to have it, so the page is never kept"
        yield Line(Level.WARN, "cookies", says, "set it along with the page, or by a script, without a redirect")
    elif names:
        fix = "set cookies where they are needed (cart, login), not on pages for everybody"
        yield Line(Level.WARN, "cookies", f"the page sets {names}, so it is not shared", fix)
    else:
        yield Line(Level.OK, "cookies", "none set")


def _vary(fetched: FetchedPage) -> Iterator[Line]:
    varies = {name.strip().lower() for name in fetched.get(b"vary").split(",")} - {""}
    if bad := varies & {"cookie", "*", "user-agent"}:
        fix = "leave it out where the page is the same for everybody"
        yield Line(Level.WARN, "vary", f"Vary: {', '.join(sorted(bad))} makes a page for each visitor", fix)
    else:
        yield Line(Level.OK, "vary", ", ".join(sorted(varies)) or "none")


def _forms(fetched: FetchedPage) -> Iterator[Line]:
    """No line for a page without a form that Django made; what others refuse, the log tells."""
    if not fetched.settings.keep_host and any(token.name == DJANGO for token in tokens_in(fetched.markup)):
        says = "Django takes a form for another site's when it is asked at another address than the browser's"
        fix = "set TAILORBIRD_KEEP_HOST=true, or name the shop's public address in CSRF_TRUSTED_ORIGINS"
        yield Line(Level.WARN, "forms", says, fix)


def _policy(fetched: FetchedPage) -> Iterator[Line]:
    policies = [*fetched.get(b"content-security-policy").split(","), *fetched.page.policies]
    policies = [policy for policy in policies if policy.strip()]
    refused = [name for name in ("style-src", "img-src") if not all(_allows_self(p, name, fetched) for p in policies)]
    if not policies:
        fix = "send one; Tailorbird needs no more than default-src 'self', and no inline script or style"
        yield Line(Level.WARN, "csp", "no Content-Security-Policy", fix)
    elif refused:
        what = "its stylesheet" if "style-src" in refused else "banner pictures"
        says = f"{' and '.join(refused)} would keep the browser from loading {what} from your own address"
        yield Line(Level.WARN, "csp", says, f"add 'self' to {' and '.join(refused)}")
    else:
        yield Line(Level.OK, "csp", "allows a stylesheet and pictures from your own address")


def _allows_self(policy: str, name: str, fetched: FetchedPage) -> bool:
    rows = [row.split() for row in policy.split(";") if row.strip()]
    # Of a directive written twice the first counts (CSP 3, section 2.2.1).
    directives = {row[0].lower(): [source.lower() for source in row[1:]] for row in reversed(rows)}
    sources = directives.get(name, directives.get("default-src"))
    return sources is None or bool({"'self'", "*", "https:" if fetched.is_https else "http:"} & set(sources))


def _compression(fetched: FetchedPage) -> Iterator[Line]:
    coding = fetched.get(b"content-encoding")
    if coding:
        yield Line(Level.OK, "compression", coding)
    elif len(fetched.body) < SMALLEST_WORTH_COMPRESSING:
        yield Line(Level.OK, "compression", "none, and the page is small")
    else:
        says = "the origin does not compress; Tailorbird compresses the pages it keeps, no others"
        fix = "turn gzip on at the origin for its content type; nginx also needs `gzip_proxied any;`"
        yield Line(Level.WARN, "compression", says, fix)


def _clock(fetched: FetchedPage) -> Iterator[Line]:
    dates = fetched.all(b"date")
    made_at = http_date(dates[0]) if dates else None
    if made_at is None:
        fix = "send the time an answer is made in Date"
        yield Line(Level.WARN, "clock", "no Date, so a page's age is a guess", fix)
    elif abs(made_at - fetched.now) > MAX_SKEW_SECONDS and not fetched.get(b"age"):
        side = "ahead of" if made_at > fetched.now else "behind"
        says = f"the origin's clock is {abs(made_at - fetched.now):.0f} s {side} this machine's"
        yield Line(Level.WARN, "clock", says, "keep both clocks by NTP")
    else:
        yield Line(Level.OK, "clock", "the origin's agrees with this machine's")


CHECKS: tuple[Callable[[FetchedPage], Iterator[Line]], ...] = (
    _size, _charset, slots, includes, lists, _hydration, _opened, _cache, _pieces, _validator, _cookies, _vary, _forms,
    _policy, _compression, _clock,
)  # fmt: skip
OF_JSON = _size, in_json, _cache, _validator, _cookies, _vary, _compression, _clock
