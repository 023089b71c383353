"""Proposes a policy for a page of which its origin does not say enough: what `tailorbird doctor` prints as cache.yaml.

Pure: the page was fetched elsewhere, twice without cookies and once with those it sets. What is proposed, or stands in
the rule folder already, is tried on these copies by the proxy's own parts; a proposal says `store: no` where that does
not make them the same for everybody, and what would. Its law: nothing is taken for granted by name alone. A token is
filled from a cookie only where it follows from that cookie.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import unquote

from proxy.doctor.fetched import FetchedPage, Level, Line
from proxy.doctor.proposed_policy import TOKEN_PATH, Proposal, listed
from proxy.httpcache.cookies import pair_set_by
from proxy.httpcache.overrides import OVERRULABLE, CacheOverrides, CookieRoles
from proxy.httpcache.policy import CacheReason, may_store
from proxy.httpcache.stored import CacheOptions, directives_and_lifetime
from proxy.page.differences import differences
from proxy.page.holes import Fill, FillKind, Hole, IfMissing, Redacted
from proxy.page.markup import Markup
from proxy.page.redaction import NotRedacted, nonces_in, redacted
from proxy.page.tokens import DJANGO, Token, django_secret, tokens_in, unmasked
from proxy.rulebook.cachefile import is_cookie_name
from proxy.rulebook.policy import PagePolicy
from proxy.serve.pages import CONTENT_POLICIES
from proxy.serve.reading import secret_in

GUIDE = "docs/origins.md"
HOLES = (
    f"see {GUIDE} for holes; what nobody needs is one with `fill: nothing`; where anybody may get what stands there, "
    "as an id made up each time, say `compare: no` of the page"
)
PUT_IT = "put it into cache.yaml in the rule folder, as --write does"
SESSIONS = re.compile(r"session|sess(?:ion)?_?id|^sid$|connect\.sid", re.IGNORECASE)
"""Names of cookies that mean somebody in particular."""

_IDENTIFIER = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)


@dataclass(frozen=True)
class Copies:
    """The page as fetched by two visitors without cookies, and again by one of them with the cookies it set; None when
    it set none. `pattern` is the path of the policy."""

    one: FetchedPage
    other: FetchedPage
    known: FetchedPage | None
    pattern: str

    @cached_property
    def set_cookies(self) -> dict[str, str]:
        """The cookies that the first answer sets, by name."""
        pairs = map(_pair, self.one.all(b"set-cookie"))
        return {name: value for name, value in pairs if is_cookie_name(name)}

    @property
    def pages(self) -> list[FetchedPage]:
        """All copies."""
        return [page for page in (self.one, self.other, self.known) if page]


def proposed(copies: Copies) -> Proposal | None:
    """The policy that makes the page cacheable for all, or says why there is none; None when the page needs none. One
    that says so is for this page alone: `store: no` for all paths would cover styles and pictures, too."""
    if _verdict(copies.one, None) == CacheReason.STORABLE and not _secret(copies, ()):
        return None
    holes = tuple(_holes(copies))
    unsolved = tuple(_unsolved(copies, holes))
    policy = PagePolicy(copies.one.address if unsolved else copies.pattern, _allowance(copies), holes)
    overruled = tuple(word for word in OVERRULABLE if _says(copies.one, word))
    with_help = _with_help(copies, policy, overruled) if unsolved else None
    has_forms = bool(copies.one.markup.document.select("form[method=post i]"))
    return Proposal(policy, unsolved, overruled, with_help, has_forms)


def _with_help(copies: Copies, policy: PagePolicy, overruled: tuple[str, ...]) -> Proposal | None:
    """The policy that fetches tokens, where that is all that is missing. A token belongs to a session, which each
    visitor has from the first page on; to fetch it without the visitor's session would be of no use."""
    holes = tuple(_holes(copies, otherwise=Fill(FillKind.FETCH, TOKEN_PATH)))
    if any(_unsolved(copies, holes)):
        return None
    cookies = CookieRoles(ignored=tuple(copies.set_cookies)) if copies.set_cookies else policy.overrides.cookies
    return Proposal(replace(policy, overrides=replace(policy.overrides, cookies=cookies), holes=holes), (), overruled)


def proposal_lines(copies: Copies, proposal: Proposal | None) -> Iterator[Line]:
    """The lines that `doctor` prints about a proposal."""
    if proposal is None:
        yield from _no_proposal_lines(copies)
        return
    fix = "have the shop answer its token alone, as told below" if proposal.with_help else ""
    for reason in proposal.unsolved:
        yield Line(Level.WARN, "policy", f"{reason}, so it stays each visitor's own", fix or _to_mend(reason))
    if not proposal.unsolved:
        verdict = _verdict(copies.one, proposal.policy)
        if verdict == CacheReason.STORABLE:
            yield Line(Level.WARN, "policy", "with the policy below the page is kept", PUT_IT)
        else:
            says = f"with the policy below the page still is each visitor's own: {verdict}"
            yield Line(Level.WARN, "policy", says, _despite(copies))


def _despite(copies: Copies) -> str:
    said = listed([word for word in OVERRULABLE if _says(copies.one, word)])
    return f"leave it, or, if you know that the page is the same for everybody, add `despite: {said}`"


def is_in_place(proposal: Proposal, policy: PagePolicy) -> bool:
    """Whether cache.yaml has the proposal already."""
    return replace(proposal.policy, pattern=policy.pattern) == policy


def _no_proposal_lines(copies: Copies) -> Iterator[Line]:
    different = list(_different(copies, ()))
    if not different:
        yield Line(Level.OK, "policy", "none is needed: the page is the same for everybody, and says so")
    for reason in different:
        yield Line(Level.WARN, "policy", f"the page says that it may be kept, but {reason}", HOLES)


def policy_line(copies: Copies, policy: PagePolicy) -> Line:
    """The line about the policy in cache.yaml: what it makes of the page."""
    if not policy.is_kept:
        return Line(Level.OK, "policy", f'by cache.yaml, for "{policy.pattern}", every visitor asks the shop')
    verdict = _verdict(copies.one, policy)
    holes = policy.holes
    unsolved = _unsolved(copies, holes, policy.overrides.cookies) if policy.is_compared else (_secret(copies, holes),)
    if no := next(iter(unsolved), "") if verdict == CacheReason.STORABLE else verdict:
        says = f'what cache.yaml says of "{policy.pattern}" is not enough: {no}'
        return Line(Level.WARN, "policy", says, _despite(copies) if no in OVERRULABLE else _to_mend(no))
    return Line(Level.OK, "policy", f'by cache.yaml, for "{policy.pattern}", the page is kept')


def _to_mend(no: str) -> str:
    return HOLES if " differ" in no else f"see {GUIDE}"


# -- is it one page for everybody


def _unsolved(copies: Copies, holes: tuple[Hole, ...], cookies: CookieRoles | None = None) -> Iterator[str]:
    """Why the page is not cacheable for all with these holes and roles of cookies; nothing when it is."""
    if cookies and any(not cookies.is_settled(name.encode()) for name in copies.set_cookies):
        copies = replace(copies, known=None)  # who has them asks the shop as themselves
    secret = _secret(copies, holes)
    yield from (secret,) if secret else _different(copies, holes)


def _secret(copies: Copies, holes: tuple[Hole, ...]) -> str:
    """A token or nonce that no hole replaces; "" without any."""
    policy = PagePolicy(copies.pattern, holes=holes)
    for fetched in copies.pages:
        page = redacted(fetched.markup, holes)
        no = page if isinstance(page, NotRedacted) else secret_in(fetched.markup.of(page.body), fetched.headers, policy)
        if no is not None:
            return f"the page cannot be kept: {no}"
    return ""


def _different(copies: Copies, holes: tuple[Hole, ...]) -> Iterator[str]:
    """Where copies differ that should be equal, holes aside."""
    pages = [
        page.body for fetched in copies.pages if isinstance(page := redacted(Markup(fetched.body), holes), Redacted)
    ]
    found = differences(pages[0], pages[1])
    yield from (f"two fetches differ at {one.place}" for one in found)
    if not found and len(pages) > 2:
        yield from (f"with its own cookies it differs at {one.place}" for one in differences(pages[0], pages[2]))


def _verdict(fetched: FetchedPage, policy: PagePolicy | None) -> str:
    choices, headers = CacheOptions.of(fetched.settings), fetched.headers
    if policy is not None:
        headers = policy.overrides.without_vary_cookie(
            policy.overrides.stored_headers(headers, fetched.status, fetched.now, choices)
        )
        choices = policy.overrides.with_own_field(choices)
    return may_store((), fetched.status, headers, fetched.now, choices).reason


# -- what would make it one


def _allowance(copies: Copies) -> CacheOverrides:
    fetched = copies.one
    _, life = directives_and_lifetime(fetched.status, fetched.headers, fetched.now, CacheOptions.of(fetched.settings))
    fresh = None if life.explicit and life.seconds > 0 else 60
    # A page that says nothing of keeping says nothing of cookies either: it may greet who is logged in.
    depends_on_cookies = fresh or copies.set_cookies or "cookie" in fetched.get(b"vary").lower()
    own = tuple(name for name in copies.set_cookies if SESSIONS.search(name)) or _usual_sessions(copies)
    return CacheOverrides(
        fresh_seconds=fresh,
        stale_while_revalidate=30 if fresh else None,
        stale_if_error=3_600 if fresh else None,
        cookies=CookieRoles(own=own) if depends_on_cookies else None,
        dropped_cookies=tuple(copies.set_cookies),
    )


def _usual_sessions(copies: Copies) -> tuple[str, ...]:
    """The session cookies of a framework that is recognised by its token, where the page did not set one."""
    is_django = any(token.name == DJANGO for token in tokens_in(copies.one.markup))
    return ("sessionid", "messages") if is_django else ()


def _says(fetched: FetchedPage, word: str) -> bool:
    said, _ = directives_and_lifetime(fetched.status, fetched.headers, fetched.now, CacheOptions.of(fetched.settings))
    return bool(getattr(said, word.replace("-", "_")))


def _holes(copies: Copies, otherwise: Fill | None = None) -> Iterator[Hole]:
    """A hole for each token that follows from a cookie, or that can be had `otherwise`, and for nonces."""
    found = {(token.element, token.name): token for token in tokens_in(copies.one.markup)}
    for token in found.values():
        if fill := _fill(token, copies.set_cookies) or otherwise:
            yield Hole(_selector(token.element, token.name), fill, token.attribute)
    yield from _nonce_holes(copies.one)


def _nonce_holes(fetched: FetchedPage) -> Iterator[Hole]:
    """A hole for the nonces of elements, and one for each `<meta>` that tells the nonce to scripts, as Turbo's does."""
    nonces = {nonce for name, value in fetched.headers if name in CONTENT_POLICIES for nonce in nonces_in(value)}
    if nonces:
        yield Hole("[nonce]", Fill(FillKind.NONCE), "nonce")
    for meta in fetched.markup.document.select("meta[name][content]"):
        if (meta.attr("content") or "").encode() in nonces:
            yield Hole(_selector("meta", meta.attr("name") or ""), Fill(FillKind.NONCE), "content")


def _fill(token: Token, cookies: dict[str, str]) -> Fill | None:
    """How to fill a hole from the cookie that the token follows from; None when there is none."""
    for name, value in cookies.items():
        if len(token.value) == 64 and django_secret(token.value) and unmasked(token.value) == django_secret(value):
            return Fill(FillKind.DJANGO_TOKEN, name, if_missing=IfMissing.MAKE)
        if token.value == unquote(value):
            return Fill(FillKind.COOKIE, name)
    return None


def _selector(element: str, name: str) -> str:
    return f"{element}[name={name if _IDENTIFIER.fullmatch(name) else repr(name)}]"


def _pair(set_cookie: bytes) -> tuple[str, str]:
    name, value = (text.decode("latin-1") for text in pair_set_by(set_cookie))
    return name, value.strip('"')
