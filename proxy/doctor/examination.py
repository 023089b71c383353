"""The whole examination of a page: what is asked of the shop, in order, and the lines about what it answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urljoin, urlsplit

from proxy.doctor.checkup import checkup
from proxy.doctor.choices import askings, choice_lines
from proxy.doctor.fetched import FetchedPage, Level, Line
from proxy.doctor.pictures import link_lines, links_of, picture_lines, pictures_of
from proxy.doctor.proposal import Copies, is_in_place, policy_line, proposal_lines, proposed
from proxy.doctor.proposed_policy import Proposal
from proxy.doctor.shop_client import ShopClient
from proxy.rulebook.check import Checked
from proxy.rulebook.policy import PagePolicy

OVERRULED = frozenset({"cache", "cookies", "vary"})
"""What a shop says that a policy answers for."""

Get = Callable[..., FetchedPage]
"""`ShopClient.page`."""


@dataclass(frozen=True)
class Examination:
    """What was found: the lines about the page, those about the languages and countries it is chosen by, and the policy
    proposed; None where none is needed, or cache.yaml has it."""

    lines: list[Line]
    choices: list[Line]
    proposal: Proposal | None


def is_failed(lines: Iterable[Line]) -> bool:
    """Whether the page is not personalised."""
    return any(line.level is Level.FAIL for line in lines)


def examine(shop: ShopClient, checked: Checked | None, pattern: str | None) -> Examination:
    """Examines the page, by the rule folder if one was `checked`. The policy proposed is for the pages of the pattern,
    or for that page alone. Raises `OriginError`."""
    get, first = _past_cookie_wall(shop)
    parts = urlsplit(shop.url)
    standing = checked.policy.of(parts.path.encode() or b"/", parts.query.encode()) if checked else None
    first = replace(first, includes_by_policy=standing is not None and standing.has_includes)
    lines = checkup(replace(first, declared=checked.declared, has_rules=True) if checked else first)
    if checked and not is_failed(lines):
        lines += _address_lines(shop, checked)
    proposal = None
    if first.is_bounded and not first.wanted_cookies and not is_failed(lines):
        first, again = _as_two_get_it(get, first)
        copies = Copies(first, again, _as_known(get, first), pattern or first.path)
        lines, proposal = _with_policy(lines, copies, standing if pattern is None else None)
    else:
        again = get()
    choices: list[Line] = []
    if first.status < 400 and (standing is None or standing.is_kept):
        others = [(what, fields, get(fields=fields)) for what, fields in askings(first)]
        choices = list(choice_lines(first, again, others))
    return Examination(lines, choices, proposal)


def _past_cookie_wall(shop: ShopClient) -> tuple[Get, FetchedPage]:
    """The page without cookies; or with those that the shop wants first, if without them it redirects to the same page
    to set them. And how to get it once more."""
    page = shop.page()
    is_wall = 300 <= page.status < 400 and urljoin(shop.url, page.get(b"location")) == shop.url
    if not is_wall or not (cookies := _set_by(page)):
        return shop.page, page
    get = partial(shop.page, cookies=cookies)
    names = ", ".join(pair.partition("=")[0] for pair in cookies.split("; "))
    return get, replace(get(), wanted_cookies=names)


def _address_lines(shop: ShopClient, checked: Checked) -> Iterable[Line]:
    pictures, links = pictures_of(checked.fragments), links_of(checked.fragments)
    yield from picture_lines(pictures, shop.shown(pictures))
    yield from link_lines(links, shop.shown(links))


def _as_two_get_it(get: Get, first: FetchedPage) -> tuple[FetchedPage, FetchedPage]:
    """The page as two visitors get it. One that was made anew in between, as Next.js does behind a visitor who gets the
    old one, is fetched once more: two of the new one tell whether it is each visitor's own."""
    other = get()
    if other.body != first.body and other.get(b"etag"):
        again = get()
        if (again.body, again.get(b"etag")) == (other.body, other.get(b"etag")):
            return other, again
    return first, other


def _as_known(get: Get, first: FetchedPage) -> FetchedPage | None:
    """The page as whoever got it first gets it again; None when it sets no cookies."""
    cookies = _set_by(first)
    return get(cookies=cookies) if cookies else None


def _set_by(page: FetchedPage) -> str:
    """The cookies that the answer sets, as they are sent back; "" for none."""
    return b"; ".join(value.partition(b";")[0].strip() for value in page.all(b"set-cookie")).decode("latin-1")


def _with_policy(lines: list[Line], copies: Copies, standing: PagePolicy | None) -> tuple[list[Line], Proposal | None]:
    """The lines with those about the policy `standing` in cache.yaml, and about the one to propose. Where the standing
    one is enough, what it answers for is no longer warned of."""
    said = policy_line(copies, standing) if standing else None
    if said and said.level is Level.OK:
        return [*(line for line in lines if line.check not in OVERRULED or line.level is Level.OK), said], None
    proposal = proposed(copies)
    lines = [*lines, said] if said else lines
    if proposal and standing and is_in_place(proposal, standing):
        return lines, None
    return [*lines, *proposal_lines(copies, proposal)], proposal
