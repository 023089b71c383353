from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.doctor.checkup import checkup
from proxy.doctor.fetched import FetchedPage, Level, Line
from proxy.page.slots import DeclaredSlot
from proxy.settings import Settings

HEALTHY = FetchedPage(
    path="/",
    is_https=True,
    status=200,
    headers=(
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", b"62"),
        (b"cache-control", b"public, max-age=60"),
        (b"etag", b'"1"'),
        (b"content-encoding", b"gzip"),
        (b"content-security-policy", b"default-src 'self'"),
        (b"date", b"Wed, 25 Nov 2026 12:00:00 GMT"),
    ),
    body=b'<!DOCTYPE html><div data-slot="home.hero"><p>Welcome</p></div>',
    now=1_795_608_000.0,
    settings=Settings(max_page_bytes=10_000),
)


def with_field(name: bytes, value: bytes | None) -> FetchedPage:
    rest = tuple(row for row in HEALTHY.headers if row[0] != name)
    return replace(HEALTHY, headers=rest if value is None else (*rest, (name, value)))


def line_of(page: FetchedPage, check: str) -> Line:
    return next(line for line in checkup(page) if line.check == check)


def test_a_healthy_page_has_nothing_to_mend() -> None:
    assert [line for line in checkup(HEALTHY) if line.level is not Level.OK or line.fix] == []


def test_every_line_that_is_not_ok_says_what_to_do() -> None:
    bare = replace(
        HEALTHY, headers=((b"content-type", b"text/html"), (b"transfer-encoding", b"chunked")), body=b"<p>x</p>" * 500
    )
    troubles = [line for line in checkup(bare) if line.level is not Level.OK]
    assert {line.check for line in troubles} == {
        "charset",
        "slots",
        "cache",
        "validator",
        "csp",
        "compression",
        "clock",
    }
    assert all(line.fix for line in troubles)


def test_a_page_that_comes_in_pieces_is_told_of_when_that_takes_long() -> None:
    assert line_of(replace(HEALTHY, seconds=0.7), "pieces").level is Level.WARN
    assert not any(line.check == "pieces" for line in checkup(replace(HEALTHY, seconds=0.2)))


def test_an_answer_that_only_its_closing_ends_is_never_kept_whatever_it_says() -> None:
    line = line_of(with_field(b"content-length", None), "cache")
    assert (line.level, line.says.startswith("only the closing")) == (Level.WARN, True)


@pytest.mark.parametrize(
    ("location", "fix"),
    [
        (
            b"https://shop.example/",
            "ask doctor about that address, and have it as the origin: --origin https://shop.example",
        ),
        (b"https://www.shop.example", "--origin https://www.shop.example"),
        (b"/en/", "ask doctor about that address"),
        (b"https://shop.example/login", "ask doctor about that address"),
        (b"http://[", "ask doctor about that address"),
        (b"", "ask doctor about that address"),
    ],
)
def test_a_redirect_of_every_page_is_told_from_one_of_this_page(location: bytes, fix: str) -> None:
    (line,) = checkup(replace(HEALTHY, status=301, headers=((b"location", location),)))
    assert line.fix.endswith(fix)


@pytest.mark.parametrize(
    ("status", "fix"),
    [
        (400, "allowed hosts"),
        (421, "allowed hosts"),
        (404, "is the address right?"),
        (410, "is the address right?"),
        (403, "anonymous"),
        (500, "log"),
        (503, "log"),
    ],
)
def test_what_to_do_about_an_answer_that_is_no_page_follows_from_its_status(status: int, fix: str) -> None:
    (line,) = checkup(replace(HEALTHY, status=status))
    assert fix in line.fix


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        (b"<center>No required SSL certificate was sent</center>", "name it, with its key, in TAILORBIRD_ORIGIN_CERT"),
        (b"<center>The SSL certificate error</center>", "does not accept the certificate in TAILORBIRD_ORIGIN_CERT"),
        (b"<center>The plain HTTP request was sent to HTTPS port</center>", "write https://"),
        (b"Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />", "write https://"),
        (b"Client sent an HTTP request to an HTTPS server.\n", "write https://"),
        (b"Bad Request", "allowed hosts"),
    ],
)
def test_what_a_server_says_of_tls_in_a_page_of_its_own_is_understood(said: bytes, fix: str) -> None:
    (line,) = checkup(replace(HEALTHY, status=400, body=said))
    assert fix in line.fix


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"status": 302, "headers": ((b"location", b"/en/"),)}, "redirects to /en/"),
        ({"status": 404}, "404"),
        ({"headers": ((b"content-type", b"text/plain"),)}, "`text/plain`"),
        ({"headers": ((b"content-type", b"application/xhtml+xml"),)}, "`application/xhtml+xml`"),
        ({"headers": ((b"content-type", b"application/json"),)}, "JSON, and slots.yaml has no path into it"),
    ],
)
def test_what_is_no_page_is_one_failing_line(change: dict[str, object], says: str) -> None:
    (line,) = checkup(replace(HEALTHY, **change))  # type: ignore[arg-type]
    assert line.level is Level.FAIL
    assert says in line.says


def test_a_page_that_cannot_be_cut_fails_with_the_line_it_happens_on() -> None:
    line = line_of(replace(HEALTHY, body=b"<!DOCTYPE html>\n<body>\n<div data-slot='home.hero'>never closed"), "slots")
    assert line.level is Level.FAIL
    assert "`home.hero` without a closing tag" in line.says
    assert line.fix == "mend it on line 3"


def test_a_page_that_has_to_be_sent_in_another_charset_is_reported() -> None:
    line = line_of(replace(HEALTHY, body=HEALTHY.body.decode().encode("utf-16-le")), "slots")
    assert (line.level, line.fix) == (Level.FAIL, "send pages in UTF-8")
    assert "is in an encoding whose markup cannot be told from its text" in line.says


def test_doctor_believes_of_the_charset_what_the_proxy_does() -> None:
    body = b"<meta charset=iso-2022-jp>" + HEALTHY.body
    page = replace(with_field(b"content-type", b"text/html"), body=body)
    assert line_of(page, "charset").says == "iso-2022-jp"
    assert line_of(page, "slots").level is Level.OK


def test_a_page_larger_than_is_personalised_fails() -> None:
    assert line_of(replace(HEALTHY, settings=Settings(max_page_bytes=10)), "size").level is Level.FAIL


PLAIN = b'<div id="__next"><div data-slot="home.hero"><p>Welcome</p></div><div data-slot="b">x</div></div>'


def test_each_plain_slot_of_a_hydrated_page_is_warned_about_by_name() -> None:
    lines = [line for line in checkup(replace(HEALTHY, body=PLAIN)) if line.check == "hydration"]
    assert [line.level for line in lines] == [Level.WARN, Level.WARN]
    assert "`home.hero`" in lines[0].says
    assert "`b`" in lines[1].says
    assert "TbSlot" in lines[0].fix


def test_raw_slots_of_a_hydrated_page_are_fine() -> None:
    raw = PLAIN.replace(b"data-slot", b"data-tb-raw data-slot")
    assert line_of(replace(HEALTHY, body=raw), "hydration").level is Level.OK


@pytest.mark.parametrize(
    ("selector", "path", "level"),
    [("main", "/", Level.WARN), ("#app", "/", Level.WARN), ("body", "/", Level.OK), ("main", "/other", Level.OK)],
)
def test_slots_that_a_selector_finds_in_what_is_rendered_again_are_warned_about(
    selector: str, path: str, level: Level
) -> None:
    body = b'<!DOCTYPE html><meta charSet="utf-8"/><body><div id="app"><main><p>x</p></main></div></body>'
    slot = DeclaredSlot("home.hero", page=path, selector=selector, place="start")
    line = line_of(replace(HEALTHY, body=body, declared=(slot,)), "hydration")
    assert (line.level, "outside of `#app`" in line.fix + line.says) == (level, True)


@pytest.mark.parametrize(
    ("field", "value", "check", "level", "says"),
    [
        (b"cache-control", b"no-store", "cache", Level.WARN, "no-store"),
        (b"cache-control", b"private, max-age=60", "cache", Level.WARN, "private"),
        (b"cache-control", None, "cache", Level.WARN, "nothing says how long"),
        (b"cache-control", b"no-cache", "cache", Level.OK, "checked on each visit"),
        (b"cache-control", b"s-maxage=300, max-age=0", "cache", Level.OK, "300 s"),
        (b"cache-status", b"tailorbird; hit", "cache", Level.WARN, "came through Tailorbird"),
        (b"etag", None, "validator", Level.WARN, "neither"),
        (b"set-cookie", b"csrftoken=abc; Path=/", "cookies", Level.WARN, "csrftoken"),
        (b"vary", b"Accept-Encoding, Cookie", "vary", Level.WARN, "cookie"),
        (b"vary", b"Accept-Encoding", "vary", Level.OK, "accept-encoding"),
        (b"content-security-policy", None, "csp", Level.WARN, "no Content-Security-Policy"),
        (b"content-security-policy", b"style-src 'nonce-1'; img-src *", "csp", Level.WARN, "its stylesheet"),
        (b"content-security-policy", b"style-src https:; img-src data:", "csp", Level.WARN, "banner pictures"),
        (b"content-security-policy", b"script-src 'none'", "csp", Level.OK, "allows"),
        (b"content-security-policy", b"default-src *, style-src 'none'", "csp", Level.WARN, "style-src"),
        (b"date", None, "clock", Level.WARN, "no Date"),
        (b"date", b"Wed, 25 Nov 2026 12:02:00 GMT", "clock", Level.WARN, "120 s ahead of"),
    ],
)
def test_header_fields_are_judged(field: bytes, value: bytes | None, check: str, level: Level, says: str) -> None:
    line = line_of(with_field(field, value), check)
    assert line.level is level
    assert says in line.says


def test_a_policy_in_a_meta_element_counts_beside_that_of_the_header() -> None:
    meta = b"""<meta http-equiv="Content-Security-Policy" content="img-src 'none'">"""
    assert line_of(replace(HEALTHY, body=meta + HEALTHY.body), "csp").level is Level.WARN


def test_a_large_page_that_comes_uncompressed_is_warned_about() -> None:
    page = with_field(b"content-encoding", None)
    assert line_of(page, "compression").level is Level.OK
    assert line_of(replace(page, body=page.body + b" " * 2_000), "compression").level is Level.WARN


@pytest.mark.parametrize(
    ("body", "header", "names"),
    [
        (b'<body hx-boost="true">', b"", "htmx"),
        (b'<script src="/assets/turbo.min.js"></script><meta name="turbo-cache-control">', b"", "Turbo"),
        (b"<a up-follow href=/c>Tents</a>", b"", "Unpoly"),
        (b'<script type="speculationrules">{}</script>', b'"/rules.json"', "Speculation-Rules"),
        (b"", b'"/rules.json"', "Speculation-Rules"),
    ],
)
def test_pages_that_open_others_without_a_request_want_the_module(body: bytes, header: bytes, names: str) -> None:
    page = with_field(b"speculation-rules", header) if header else HEALTHY
    told = replace(page, body=HEALTHY.body + body)
    line = line_of(told, "opened")
    assert (line.level, line.says.startswith(f"{names} may open pages")) == (Level.WARN, True)
    with_module = replace(told, body=told.body + b'<script src="/_tb/t.js" defer></script>')
    assert "opened" not in {line.check for line in checkup(with_module)}
