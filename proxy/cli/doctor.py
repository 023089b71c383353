"""`tailorbird doctor URL`: fetches a page as an anonymous visitor, and says what to mend before Tailorbird is put in
front of it. The checks are in `proxy/doctor/`."""

from __future__ import annotations

import json
import re
import ssl
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from textwrap import dedent, indent
from urllib.parse import unquote, urljoin, urlsplit

import click
import httpx

from proxy.cli.options import form_option, settings_now
from proxy.cli.rulefolder import A_FOLDER
from proxy.diagnostics import Finding
from proxy.doctor.checkup import checkup
from proxy.doctor.choices import askings, choice_lines
from proxy.doctor.fetched import FetchedPage, Level, Line
from proxy.doctor.pictures import Shown, link_lines, links_of, picture_lines, pictures_of
from proxy.doctor.proposal import PUT_IT, Copies, is_in_place, policy_line, proposal_lines, proposed
from proxy.doctor.proposed_policy import Proposal
from proxy.errors import OriginError
from proxy.http.forwarding import VIA
from proxy.page.slots import matches_page
from proxy.rulebook.check import Checked, check
from proxy.rulebook.read import CACHE_FILE
from proxy.settings import Settings
from proxy.stores.ruledir import read_folder
from proxy.upstream.asking import ACCEPT
from proxy.upstream.tls import client_tls, no_tls

TIMEOUT_SECONDS = 10.0
ADDRESSES_SECONDS = 10.0
OVERRULED = frozenset({"cache", "cookies", "vary"})
"""What a shop says that a policy answers for."""
COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


@click.command("doctor")
@click.argument("url")
@click.option(
    "--rules", envvar="TAILORBIRD_RULES", type=A_FOLDER, help="a rule folder, whose slots.yaml and cache.yaml count too"
)
@click.option("--path", "pattern", help="the pages that the proposed policy is for, as /c/*  (default: that page)")
@click.option("--write", "is_written", is_flag=True, help="put the proposed policy into cache.yaml of the rule folder")
@click.option(
    "--public-url", "public", default="", help="what visitors call the shop, which is asked as `keep_host` does"
)
@form_option("how to print the lines")
def command(url: str, rules: Path | None, pattern: str | None, is_written: bool, public: str, form: str) -> None:
    """Look at a page as Tailorbird sees it, and say what to mend. Exit code 1 when a line says fail.

    The page is fetched twice without cookies, once with those it sets, and in other languages and as from other
    countries. Where it would not be kept for everybody, a policy for cache.yaml is proposed.

    Ask about the origin's own address: what has come through Tailorbird is no longer what the shop said.
    """
    if not is_web_address(url):
        raise click.BadParameter(f"`{url}` is no http or https address, as https://shop.example/", param_hint="URL")
    if public and not is_web_address(public):
        raise click.BadParameter(f"`{public}` is no address, as https://shop.example", param_hint="--public-url")
    if is_written and rules is None:
        raise click.UsageError("--write needs --rules, the folder to write into")
    if pattern is not None and not matches_page(pattern, _path_of(url)):
        raise click.BadParameter(f"the page at {_path_of(url)} is none of `{pattern}`", param_hint="--path")
    settings = settings_now()
    get = partial(fetch, url, settings, public)
    first = get()
    if 300 <= first.status < 400 and urljoin(url, first.get(b"location")) == url and (given := _set_by(first)):
        get = partial(get, cookies=given)
        first = replace(get(), wanted_cookies=", ".join(pair.partition("=")[0] for pair in given.split("; ")))
    checked = check(read_folder(rules)) if rules else None
    lines = checkup(replace(first, declared=checked.declared, has_rules=True) if checked else first)
    if checked and all(line.level is not Level.FAIL for line in lines):
        pictures, links = pictures_of(checked.fragments), links_of(checked.fragments)
        lines += picture_lines(pictures, _shown(url, list(pictures), settings, public))
        lines += link_lines(links, _shown(url, list(links), settings, public))
    policy, again = "", get() if first.wanted_cookies else first
    if first.is_bounded and not first.wanted_cookies and all(line.level is not Level.FAIL for line in lines):
        first, again = _by_two(get, first)
        copies = Copies(first, again, _as_known(get, first), pattern or first.path)
        standing = checked.policy.of(urlsplit(url).path.encode() or b"/") if checked and pattern is None else None
        said = policy_line(copies, standing) if standing else None
        if said and said.level is Level.OK:
            lines = [*(line for line in lines if line.check not in OVERRULED or line.level is Level.OK), said]
        else:
            proposal = proposed(copies)
            is_new = not (standing and proposal and is_in_place(proposal, standing))
            lines += [*([said] if said else []), *(proposal_lines(copies, proposal) if is_new else ())]
            policy = proposal.text if proposal and is_new else ""
            if is_written and rules and proposal and policy:
                written = _written(rules, proposal)
                lines = [line for line in lines if written.level is Level.FAIL or line.fix != PUT_IT] + [written]
    if first.status < 400 and not _is_each_visitors(checked, url):
        lines += choice_lines(first, again, [(what, sent, get(fields=sent)) for what, sent in askings(first)])
    print_as(form, lines, policy)
    sys.exit(any(line.level is Level.FAIL for line in lines))


def _is_each_visitors(checked: Checked | None, url: str) -> bool:
    """Whether cache.yaml says that every visitor asks the shop for the page."""
    policy = checked.policy.of(urlsplit(url).path.encode() or b"/") if checked else None
    return policy is not None and not policy.is_kept


def _by_two(get: Callable[..., FetchedPage], first: FetchedPage) -> tuple[FetchedPage, FetchedPage]:
    """The page as two visitors get it. One that was made anew in between, as Next.js does behind a visitor who gets the
    old one, is fetched once more: two of the new one tell whether it is each visitor's own."""
    other = get()
    if other.body != first.body and other.get(b"etag"):
        again = get()
        if (again.body, again.get(b"etag")) == (other.body, other.get(b"etag")):
            return other, again
    return first, other


def _as_known(get: Callable[..., FetchedPage], first: FetchedPage) -> FetchedPage | None:
    """The page as whoever got it first gets it again; None when it sets no cookies."""
    cookies = _set_by(first)
    return get(cookies=cookies) if cookies else None


def _set_by(page: FetchedPage) -> str:
    """The cookies that the answer sets, as they are sent back; "" for none."""
    return b"; ".join(value.partition(b";")[0].strip() for value in page.all(b"set-cookie")).decode("latin-1")


def _written(rules: Path, proposal: Proposal) -> Line:
    """Puts the policy into cache.yaml: above the others, or below them where it would hide one there, if the file is
    without mistakes then."""
    path = rules / CACHE_FILE
    said = path.read_text("utf-8") if path.exists() else "pages:\n"
    head = re.search(r"^pages:[ \t]*(#.*)?\n", said, re.MULTILINE)
    if head is None:
        return Line(Level.FAIL, "policy", f"{path} has no line `pages:`", "put the policy there yourself")
    before, others = said[: head.end()], said[head.end() :]
    first = re.search(r"^ *(?=- )", others, re.MULTILINE)
    policy = indent(dedent(proposal.text), first.group() if first else "  ")
    below = others.removesuffix("\n") + "\n" + policy
    files = read_folder(rules)
    wrong: list[Finding] = []
    for text in (before + policy + others, before + below):
        findings = check({**files, CACHE_FILE: text.encode()}).findings
        wrong = [one for one in findings if one.place.file == CACHE_FILE and not one.is_warning]
        if not wrong:
            path.write_text(text, "utf-8")
            so = "the page is each visitor's own" if proposal.unsolved else "the page is kept by it"
            return Line(Level.OK, "policy", f"what stands below was written to {path}: {so}")
    pattern = proposal.policy.pattern
    if wrong[-1].what.startswith(f'"{pattern}"'):
        return Line(Level.FAIL, "policy", f'{path} speaks of the pages of "{pattern}" already', "change it there")
    return Line(Level.FAIL, "policy", f"it does not fit into {path}: {wrong[0].what}", "put it there yourself")


def print_as(form: str, lines: Sequence[Line], policy: str) -> None:
    """The lines, and the policy after them; in JSON it is the fix of a last line."""
    if form == "json":
        last = [Line(Level.WARN, "cache.yaml", "the policy proposed", f"pages:\n{policy}")] if policy else []
        click.echo(json.dumps([line._asdict() for line in (*lines, *last)], indent=2))
        return
    for line in lines:
        _print(line)
    if policy:
        click.echo(f"\n# {CACHE_FILE}\npages:\n{policy}")


def is_web_address(url: str) -> bool:
    """True for http and https with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is none
        return False


def _print(line: Line) -> None:
    click.echo(f"{click.style(f'{line.level:<4}', COLOURS[line.level])}  {line.check:<12}{line.says}")
    if line.fix:
        click.echo(f"{'':18}fix: {line.fix}")


def fetch(
    url: str, settings: Settings, public: str = "", cookies: str = "", fields: Mapping[str, str] | None = None
) -> FetchedPage:
    """Fetches `url` with no cookies but these, as the shop at the `public` address if one is given, with these further
    `fields`, without redirects or the environment's proxies, within `TIMEOUT_SECONDS` and little more than
    `max_page_bytes`. Raises `OriginError`."""
    sent = {"accept": ACCEPT[1].decode(), "accept-encoding": "gzip", "user-agent": "tailorbird-doctor"}
    sent |= {"via": VIA.decode()}  # as we ask for pages: nginx compresses for no proxy unless it is told to
    sent |= _asked_as(public) | ({"cookie": cookies} if cookies else {}) | dict(fields or {})
    name = {"sni_hostname": settings.origin_name} if settings.origin_name else {}
    deadline = time.monotonic() + TIMEOUT_SECONDS
    try:
        with (
            httpx.Client(trust_env=False, verify=client_tls(settings), timeout=TIMEOUT_SECONDS, headers=sent) as client,
            client.stream("GET", url, extensions=name) as answer,
        ):
            now = time.time()
            body = _read(answer, settings.max_page_bytes, deadline)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _unreachable(url, error) from error
    return FetchedPage(
        path=_path_of(url),
        is_https=url.startswith("https:"),
        status=answer.status_code,
        headers=tuple((name.lower(), value) for name, value in answer.headers.raw),
        body=body,
        now=now,
        settings=settings,
        seconds=time.time() - now,
    )


def _asked_as(public: str) -> dict[str, str]:
    """The fields by which the origin is asked as the shop at that address; none when it is empty."""
    there = urlsplit(public)
    named = {"host": there.netloc, "x-forwarded-host": there.netloc, "x-forwarded-proto": there.scheme}
    return named if public else {}


def _shown(url: str, addresses: Sequence[str], settings: Settings, public: str) -> dict[str, Shown]:
    """What pictures or pages of the shop at `url` answer, their bytes unread; without those for which no time is left
    after the first."""
    shown: dict[str, Shown] = {}
    name = {"sni_hostname": settings.origin_name} if settings.origin_name else {}
    deadline = time.monotonic() + ADDRESSES_SECONDS
    with httpx.Client(trust_env=False, verify=client_tls(settings), timeout=ADDRESSES_SECONDS) as client:
        for address in addresses:
            try:
                with client.stream("GET", urljoin(url, address), headers=_asked_as(public), extensions=name) as answer:
                    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
                    shown[address] = Shown(answer.status_code, kind)
            except (httpx.HTTPError, httpx.InvalidURL):
                shown[address] = Shown(0, "")
            if time.monotonic() > deadline:
                break
    return shown


def _unreachable(url: str, error: Exception) -> OriginError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return no_tls(cause, f"`{url}`")
        cause = cause.__cause__ or cause.__context__
    help = "is the address right, is the shop up?"
    if isinstance(error, (httpx.RemoteProtocolError, httpx.DecodingError)):
        help = "what is there answers in no HTTP that can be read: look at it with `curl -v`"
    return OriginError(f"`{url}` could not be fetched: {error}", reason="unreachable", help=help)


def _path_of(url: str) -> str:
    return unquote(urlsplit(url).path) or "/"


def _read(answer: httpx.Response, most: int, deadline: float) -> bytes:
    body = bytearray()
    for chunk in answer.iter_bytes(65_536):
        body += chunk
        if len(body) > most:
            break
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout(f"the body took longer than {TIMEOUT_SECONDS:.0f} s")
    return bytes(body)
