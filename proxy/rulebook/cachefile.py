"""Reads `cache.yaml`: an operator's policy for origins that send no usable cache headers.

Its keys are the rows of a table here, as those of rule files are in `words.py`; how holes may be filled is a table of
`page/holes.py`. The JSON Schema and the reference page are made from both.
"""

from __future__ import annotations

import re

from proxy.conditions.nodes import Node, Scalar
from proxy.diagnostics import Finding, did_you_mean, nearest
from proxy.httpcache.overrides import OVERRULABLE, CacheOverrides, CookieRoles
from proxy.page.holes import HOLE_FILLS, Fill, FillKind, FillRow, Hole, IfMissing
from proxy.rulebook.policy import PagePolicy, Policy
from proxy.rulebook.scalars import idle, read_choice, read_path, read_selector, read_span, read_words, read_yes, unfit
from proxy.rulebook.words import Part, Word, fields

FILE = (Word("pages", "what holds for which pages; of those whose path fits, the first counts", required=True),)
PAGE = (
    Word(
        "path",
        "the path of the page, as /sale, or /c/* for everything below /c/; parameters too, as /?route=checkout/*",
        required=True,
    ),
    Word("store", "no: every visitor asks the origin; yes when missing"),
    Word(
        "wait",
        "how long the origin may take to answer, as 1 minute, where it answers when there is news (long polling); with "
        "store: no",
    ),
    Word("fresh", "how long a page is shown without asking again, as 5 minutes; as the origin says when missing"),
    Word("while renewing", "how long after that it is still shown while a new one is fetched, as 30 seconds"),
    Word("if down", "how long after that it stands in for an origin that is down, as 1 hour"),
    Word("despite", "what the origin says that shall not count: private, no-cache, no-store"),
    Word("cookies", "which cookies the page depends on; without it, a page that says Vary: Cookie is not kept"),
    Word("query", "which parameters of the address the page depends on; all when missing"),
    Word("drop set-cookie", "cookies that the origin sets here and no visitor needs, as [csrftoken]"),
    Word("holes", "parts of the page that are filled for each visitor"),
    Word("includes", "yes: parts are put together by <esi:include> here, even if the origin does not say so"),
    Word(
        "forms change it",
        "no: a form sent to its address, or leading back to it, leaves the page as it is; yes when missing",
    ),
    Word("forms fill the cart", "yes: a form sent to its address puts a product into the cart; no when missing"),
    Word("slots", "no: there are none, and the page is passed on as it comes, in pieces too; with store: no"),
    Word("compare", "no: keep the page without comparing two fetches of it; yes when missing"),
)
COOKIES = (
    Word("own", "who has one of these asks the origin as themselves, as [sessionid]"),
    Word("key", "there is a page for each value of these, as [currency]"),
    Word("ignore", "these make no difference; * stands for any ending"),
)
QUERY = (
    Word("only", "the parameters that count; no others do, as [page, sort]"),
    Word("ignore", "parameters that make no difference, as [utm_*, gclid]"),
)
HOLE = (
    Word("find", "a CSS selector of what holds it, as input[name=csrfmiddlewaretoken]", required=True),
    Word("attribute", "the attribute that is the hole, as value; the content when missing"),
    Word("fill", "what fills it, as: fresh nonce", required=True),
    Word("without cookie", "ask the origin, make one, or leave empty, for a visitor without the cookie"),
    Word("otherwise", "the text that stands there when a fetch brings nothing"),
)

OF_WHAT_IS_KEPT = ("fresh", "while renewing", "if down", "despite", "cookies", "forms change it", "compare")

LONGEST_WAIT_SECONDS = 3_600

PARTS = {"The file": FILE, "A page": PAGE, "cookies": COOKIES, "query": QUERY, "A hole": HOLE}
"""The parts of the file with their words, in the order a reader meets them."""

_COOKIE_NAME = re.compile(r"[!#$%&'+.^`|~\w-]+\*?", re.ASCII)  # RFC 6265 4.1.1, and an ending left open
# What stands in these is run, or followed. A cookie is what a visitor says, or who wrote it in their name.
_RUNS = re.compile(r"on.*|style|srcdoc|href|src|srcset|action|formaction|data|poster", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"[a-z][a-z0-9-]*", re.IGNORECASE)


def read_policy(root: Node, findings: list[Finding]) -> Policy:
    """The policy in the file."""
    found = fields(root, "cache file", FILE, findings)
    pages: list[PagePolicy] = []
    for node in found.items_of("pages", findings):
        page = _read_page(node, findings)
        findings += [*_hidden(page, pages, node), *_for_who_is_logged_in(page, node)]
        pages.append(page)
    return Policy(tuple(pages))


def _hidden(page: PagePolicy, above: list[PagePolicy], node: Node) -> list[Finding]:
    """R701 for a policy whose pages are all matched by one above it."""
    wider = next((one.pattern for one in above if page.pattern and _takes_all(one.pattern, page.pattern)), None)
    if wider is None:
        return []
    what, help = f'"{page.pattern}" never counts', f'move it above "{wider}", which is for the same pages'
    return [Finding("R701", what, node.place, help)]


def _for_who_is_logged_in(page: PagePolicy, node: Node) -> list[Finding]:
    """L11 for a page that the policy stores although it does not say which cookies the page depends on."""
    is_settled = page.overrides.fresh_seconds is None or page.overrides.cookies is not None or not page.is_kept
    if is_settled or not page.pattern:  # of which is told already
        return []
    what = f'"{page.pattern}" is shown to visitors who are logged in as a stranger gets it'
    help = "add `cookies: {own: [NAME]}` with the cookie of those who are logged in, or {ignore: ['*']} if none matters"
    return [Finding("L11", what, node.place, help, is_warning=True)]


def _takes_all(wide: str, narrow: str) -> bool:
    if "?" not in wide:
        narrow = narrow.partition("?")[0]
    elif "?" in narrow:
        return wide == narrow
    return wide == narrow or (wide.endswith("*") and narrow.removesuffix("*").startswith(wide[:-1]))


def _read_page(node: Node, findings: list[Finding]) -> PagePolicy:
    found = fields(node, "page", PAGE, findings)
    is_kept = _yes(found, "store", True, findings)
    of_what_is_kept = [found[word] for word in OF_WHAT_IS_KEPT if word in found and not is_kept]
    findings += [idle(entry, "take it out: the page is not stored") for entry in of_what_is_kept]
    has_slots = _yes(found, "slots", True, findings)
    if not has_slots and (is_kept or any(word in found for word in ("holes", "includes"))):
        findings.append(
            idle(found["slots"], "add `store: no`, and leave out `holes` and `includes`: else it is read whole")
        )
    return PagePolicy(
        read_path(found.node("path"), "path", findings) or "",
        _allowance(found, findings),
        tuple(hole for item in found.items_of("holes", findings) if (hole := _read_hole(item, findings))),
        is_kept=is_kept,
        is_changed_by_forms=_yes(found, "forms change it", True, findings),
        fills_cart=_yes(found, "forms fill the cart", False, findings),
        is_compared=_yes(found, "compare", True, findings),
        has_includes=_yes(found, "includes", False, findings),
        has_slots=has_slots,
        wait_seconds=_wait(found, findings, is_kept=is_kept),
    )


def _wait(found: Part, findings: list[Finding], *, is_kept: bool) -> int:
    """The seconds of `wait`; R703 where the page may be kept, since its news would be shown to everybody."""
    seconds = read_span(found.node("wait"), "wait", findings)
    if seconds is None:
        return 0
    entry = found["wait"]
    if isinstance(entry.value, Scalar) and not 1 <= seconds <= LONGEST_WAIT_SECONDS:
        findings.append(unfit("wait", entry.value, "write a time from 1 second to 1 hour, as 1 minute"))
    if is_kept:
        what = '"wait" is only for pages that are not kept'
        help = "add `store: no`; where the whole shop is slow, set TAILORBIRD_FIRST_BYTE_TIMEOUT_MS instead"
        findings.append(Finding("R703", what, entry.key.place, help))
    return seconds


def _yes(found: Part, word: str, missing: bool, findings: list[Finding]) -> bool:
    said = read_yes(found.node(word), word, findings)
    return missing if said is None else said


def _allowance(found: Part, findings: list[Finding]) -> CacheOverrides:
    query = _query(found.node("query"), findings)
    return CacheOverrides(
        fresh_seconds=read_span(found.node("fresh"), "fresh", findings),
        stale_while_revalidate=read_span(found.node("while renewing"), "while renewing", findings),
        stale_if_error=read_span(found.node("if down"), "if down", findings),
        overruled=frozenset(_despite(found.node("despite"), findings)),
        cookies=_cookies(found.node("cookies"), findings),
        ignored_parameters=query.get("ignore", ()),
        only_parameters=query.get("only"),
        dropped_cookies=_cookie_names(found, "drop set-cookie", findings),
    )


def _despite(node: Node | None, findings: list[Finding]) -> list[str]:
    words = read_words(node, "despite", findings)
    findings += [
        unfit("despite", word, did_you_mean(word.text, OVERRULABLE)) for word in words if word.text not in OVERRULABLE
    ]
    return [word.text for word in words]


def _query(node: Node | None, findings: list[Finding]) -> dict[str, tuple[str, ...]]:
    found = fields(node, "query", QUERY, findings) if node else Part()
    return {name: tuple(word.text for word in read_words(entry.value, name, findings)) for name, entry in found.items()}


def _cookies(node: Node | None, findings: list[Finding]) -> CookieRoles | None:
    if node is None:
        return None
    found = fields(node, "part about cookies", COOKIES, findings)
    own, key, ignored = (_cookie_names(found, word, findings, whole=word == "key") for word in ("own", "key", "ignore"))
    return CookieRoles(own, key, ignored)


def _cookie_names(found: Part, what: str, findings: list[Finding], *, whole: bool = False) -> tuple[str, ...]:
    words = read_words(found.node(what), what, findings)
    for word in words:
        if not is_cookie_name(word.text) or (whole and word.text.endswith("*")):
            help = "write the whole name of a cookie" if whole else "write a cookie's name, * for any ending"
            findings.append(unfit(what, word, help))
    return tuple(word.text for word in words)


def is_cookie_name(text: str) -> bool:
    """True for the name of a cookie, or a prefix and `*`."""
    return text == "*" or bool(_COOKIE_NAME.fullmatch(text))


# -- holes


def _read_hole(node: Node, findings: list[Finding]) -> Hole | None:
    found = fields(node, "hole", HOLE, findings)
    selector = read_selector(found.node("find"), "find", findings)
    fill = _fill(found, findings)
    if fill is not None and fill.kind is not FillKind.FETCH and "otherwise" in found:
        findings.append(idle(found["otherwise"], "take it out: nothing is fetched for this hole"))
    attribute = found.text("attribute", findings)
    if attribute and not _ATTRIBUTE.fullmatch(attribute.text):
        findings.append(unfit("attribute", attribute, "write the name of an attribute, as value"))
    if selector is None or fill is None:
        return None
    if attribute and fill.kind is FillKind.COOKIE and _RUNS.fullmatch(attribute.text):
        help = "fill it with what the shop itself answers: fetch /path"
        findings.append(
            Finding("R702", f'a cookie may not say what stands in "{attribute.text}"', attribute.place, help)
        )
    return Hole(selector, fill, attribute.text.lower() if attribute else "")


def _fill(found: Part, findings: list[Finding]) -> Fill | None:
    written = found.text("fill", findings)
    row = _row(written, findings) if written else None
    if written is None or row is None:
        return None
    source = written.text.removeprefix(row.kind).strip()
    if not _fits(row, source):
        findings.append(unfit("fill", written, f"write it like: {row.example}"))
    otherwise = found.node("otherwise")
    return Fill(
        row.kind,
        source,
        if_missing=_without(row, found, findings),
        default_text=otherwise.text if isinstance(otherwise, Scalar) else "",
    )


def _row(written: Scalar, findings: list[Finding]) -> FillRow | None:
    """The row with whose words the text begins."""
    for row in HOLE_FILLS:
        if written.text == row.kind or written.text.startswith(row.kind + " "):
            return row
    examples = {row.kind.split()[0]: row.example for row in HOLE_FILLS}
    close = nearest(written.text.split()[0], examples)
    help = f'did you mean "{examples[close]}"?' if close else did_you_mean(written.text, list(examples.values()))
    findings.append(unfit("fill", written, help))
    return None


def _fits(row: FillRow, source: str) -> bool:
    if not row.takes:
        return not source
    if row.kind is FillKind.FETCH:
        return (
            source.startswith("/") and not source.startswith(("//", "/_tb/")) and source.isascii() and " " not in source
        )
    return bool(_COOKIE_NAME.fullmatch(source)) and not source.endswith("*")


def _without(row: FillRow, found: Part, findings: list[Finding]) -> IfMissing:
    said = read_choice(found.node("without cookie"), "without cookie", list(IfMissing), findings)
    written = found.text("without cookie", [])
    if written and row.kind not in (FillKind.COOKIE, FillKind.DJANGO_TOKEN):
        findings.append(unfit("without cookie", written, "remove the line: this hole needs no cookie"))
    return IfMissing(said) if said else IfMissing.ASK
