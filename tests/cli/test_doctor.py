from __future__ import annotations

import asyncio
import gzip
import json
from email.utils import formatdate
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli.doctor import command
from tests.wire.origin import Origin, always, by_path, ok

PAGE = b'<!DOCTYPE html><html><body><div data-slot="home.hero"><p>Welcome</p></div></body></html>'


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


async def test_the_page_is_asked_for_without_cookies_by_one_request() -> None:
    answer = ok(PAGE, b"Content-Type: text/html", b"Set-Cookie: a=1; Path=/")
    async with Origin(always(answer)) as origin:
        await doctor(origin.url + "/c/shoes?page=2", HTTP_PROXY="http://127.0.0.1:1")
        (request,) = origin.requests
    assert request.target == b"/c/shoes?page=2"
    assert request.get(b"cookie") is None


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
