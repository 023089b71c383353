from __future__ import annotations

import asyncio
import gzip
import json
import ssl
from email.utils import formatdate
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner, Result

from proxy.cli.doctor import command
from tests.wire.origin import Origin, Wire, always, by_path, ok

PAGE = b'<!DOCTYPE html><html><body><div data-slot="home.hero"><p>Welcome</p></div></body></html>'


async def compresses_for_no_proxy(wire: Wire) -> None:
    """As nginx with `gzip on` and nothing else."""
    page = PAGE + b" " * 2_000
    while True:
        is_from_proxy = (await wire.request()).get(b"via") is not None
        packed = ok(gzip.compress(page), b"Content-Type: text/html", b"Content-Encoding: gzip")
        await wire.send(ok(page, b"Content-Type: text/html") if is_from_proxy else packed)


async def doctor(*arguments: str, **environment: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, command, arguments, env=environment, catch_exceptions=True)


def healthy(body: bytes = PAGE) -> bytes:
    return ok(
        gzip.compress(body),
        b"Content-Type: text/html; charset=utf-8",
        b"Content-Encoding: gzip",
        b"Cache-Control: public, max-age=60",
        b'ETag: "1"',
        b"Content-Security-Policy: default-src 'self'",
        b"Date: " + formatdate(usegmt=True).encode(),
    )


async def test_a_healthy_page_exits_0_with_a_line_for_each_check() -> None:
    async with Origin(always(healthy())) as origin:
        result = await doctor(origin.url + "/")
    assert result.exit_code == 0
    assert all(line.startswith("ok ") for line in result.output.splitlines())
    assert "slots       home.hero" in result.output


async def test_warnings_come_with_a_fix_and_do_not_fail() -> None:
    async with Origin(always(ok(PAGE, b"Content-Type: text/html"))) as origin:
        result = await doctor(origin.url + "/")
    assert result.exit_code == 0
    assert "warn  cache" in result.output
    assert "fix: send Cache-Control" in result.output


async def test_a_failing_line_exits_1() -> None:
    async with Origin(by_path({})) as origin:
        result = await doctor(origin.url + "/gone")
    assert result.exit_code == 1
    assert result.output.startswith("fail  answer      the answer is 404")


async def test_json_is_a_list_of_lines() -> None:
    async with Origin(always(healthy())) as origin:
        result = await doctor(origin.url + "/", "--format", "json")
    lines = json.loads(result.output)
    assert lines[0] == {"level": "ok", "check": "answer", "says": "200, text/html", "fix": ""}


async def test_a_page_that_inflates_without_end_is_read_no_further_than_its_limit() -> None:
    async with Origin(always(healthy(PAGE + b" " * 3_000_000))) as origin:
        result = await doctor(origin.url + "/", TAILORBIRD_MAX_PAGE_BYTES="100000")
    assert result.exit_code == 1
    assert "larger than 100,000 bytes" in result.output


async def test_an_address_nobody_answers_at_is_told_in_a_line() -> None:
    async with Origin(always(b"")) as origin:
        url = origin.url
    result = await doctor(url)
    assert result.exit_code == 1
    assert "could not be fetched" in str(result.exception)


async def test_a_certificate_of_ones_own_is_believed_as_the_proxy_does(tmp_path: Path) -> None:
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    authority.cert_pem.write_to_path(str(tmp_path / "ours.pem"))
    async with Origin(always(healthy()), tls=tls) as origin:
        refused = await doctor(origin.url + "/")
        believed = await doctor(origin.url + "/", TAILORBIRD_ORIGIN_CA=str(tmp_path / "ours.pem"))
        gone = await doctor(origin.url + "/", TAILORBIRD_ORIGIN_CA=str(tmp_path / "gone.pem"))
    assert believed.exit_code == 0
    assert "name its authority's PEM file in TAILORBIRD_ORIGIN_CA" in str(refused.exception)
    assert "gone.pem` cannot be read" in str(gone.exception)


async def test_an_origin_is_met_by_the_name_that_the_proxy_calls_it(tmp_path: Path) -> None:
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("shop.example").configure_cert(tls)
    authority.cert_pem.write_to_path(str(tmp_path / "ours.pem"))
    known = {"TAILORBIRD_ORIGIN_CA": str(tmp_path / "ours.pem")}
    async with Origin(always(healthy()), tls=tls) as origin:
        unknown = await doctor(origin.url + "/", **known)
        named = await doctor(origin.url + "/", **known, TAILORBIRD_ORIGIN_NAME="shop.example")
    assert "say in TAILORBIRD_ORIGIN_NAME which name that is" in str(unknown.exception)
    assert named.exit_code == 0


@pytest.mark.parametrize("url", ["shop.example", "http://[::1/", "http://shop.example:99999/", "file:///etc/hosts"])
async def test_what_is_no_web_address_is_a_usage_error(url: str) -> None:
    assert (await doctor(url)).exit_code == 2


async def test_slots_of_the_rule_folder_are_looked_for(tmp_path: Path) -> None:
    (tmp_path / "slots.yaml").write_text(
        "slots:\n  home.aside: {page: /, selector: body > aside}\n  home.row: {page: /}\n  cart.row: {page: /cart}\n"
    )
    async with Origin(always(healthy(PAGE.replace(b"</body>", b"<aside>ours</aside></body>")))) as origin:
        result = await doctor(origin.url + "/", "--rules", str(tmp_path))
    assert "slots       home.hero, home.aside" in result.output
    assert "warn  slots       slots.yaml has `home.row` on this page, but it is not there" in result.output
    assert "cart.row" not in result.output


async def test_pictures_and_links_of_rules_are_asked_of_the_shop(tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text(
        "rules:\n  - {name: Sale, slot: home.hero, show: {banner: {title: x, image: /gone.webp}}}\n"
        "  - {name: Next, slot: home.hero, show: {banner: {title: x, image: /here.webp, link: /sail}}}\n"
    )
    (tmp_path / "slots.yaml").write_text("slots: {home.hero: {}}")
    answers = {b"/": healthy(), b"/here.webp": ok(b"RIFF", b"Content-Type: image/webp")}
    async with Origin(by_path(answers)) as origin:
        result = await doctor(origin.url + "/", "--rules", str(tmp_path))
    assert 'pictures    /gone.webp, which "Sale" shows, answers 404' in result.output
    assert 'links       /sail, where "Next" leads, answers 404' in result.output
    assert "here.webp" not in result.output and result.exit_code == 0


async def test_an_origin_that_compresses_for_no_proxy_is_told_of() -> None:
    async with Origin(compresses_for_no_proxy) as origin:
        told = await doctor(origin.url)
    assert "warn  compression" in told.output and "gzip_proxied any;" in told.output
