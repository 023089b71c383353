"""A page that says nothing of caching gets a policy, which doctor writes where it belongs."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import pytest

from proxy.diagnostics import Finding
from proxy.rulebook.cachefile import read_policy
from proxy.rulebook.policy import Policy
from proxy.rulebook.read import read_yaml
from tests.cli.test_doctor import doctor
from tests.wire.django import DjangoShop
from tests.wire.origin import Origin, Wire, ok

PROPOSED = """pages:
  - path: "/*"
    fresh: 1 minute
    while renewing: 30 seconds
    if down: 1 hour
    cookies:
      # Whoever has a cookie that is not named here asks the shop as themselves, too.
      own: [sessionid, messages]
    # forms change it: no   # if what its forms send changes nothing in it, as for a cart
    drop set-cookie: [csrftoken]
    holes:
      - find: "input[name=csrfmiddlewaretoken]"
        attribute: value
        fill: django token from csrftoken
        without cookie: make one

"""


def policy_of(text: str) -> Policy:
    findings: list[Finding] = []
    root = read_yaml("cache.yaml", text, findings)
    assert root is not None
    policy = read_policy(root, findings)
    assert not [one for one in findings if not one.is_warning]
    return policy


async def test_a_page_that_says_nothing_gets_a_policy_that_passes_check(tmp_path: Path) -> None:
    async with Origin(DjangoShop()) as origin:
        result = await doctor(origin.url + "/contact", "--path", "/*")
    policy = result.output.partition("# cache.yaml\n")[2]
    assert result.exit_code == 0
    assert policy_of(policy).pages[0].pattern == "/*"
    assert policy == PROPOSED


async def test_the_policy_is_written_into_the_folder_above_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text("rules: []")
    async with Origin(DjangoShop()) as origin:
        for path in ("/contact", "/other"):
            result = await doctor(origin.url + path, "--rules", str(tmp_path), "--write")
            assert "the page is kept by it" in result.output and "put it into cache.yaml" not in result.output
        policy = policy_of((tmp_path / "cache.yaml").read_text())
        assert [page.pattern for page in policy.pages] == ["/other", "/contact"]
        again = await doctor(origin.url + "/other", "--rules", str(tmp_path), "--write")
        once_more = await doctor(origin.url + "/other", "--rules", str(tmp_path), "--write", "--path", "/other")
    assert 'ok    policy      by cache.yaml, for "/other", the page is kept' in again.output
    assert (again.exit_code, "warn  vary" in again.output, "# cache.yaml" in again.output) == (0, False, False)
    assert once_more.exit_code == 1
    assert 'speaks of the pages of "/other" already' in once_more.output
    assert policy_of((tmp_path / "cache.yaml").read_text()) == policy


@pytest.mark.parametrize(
    "there",
    [
        "pages:\n  - path: /contact\n    store: no\n",
        "# ours\npages:   # in order\n- path: /contact\n  store: no",
        "pages:\n    - path: /contact\n      fresh: 1 minute\n",
    ],
    ids=["as written by it", "not further in", "with a warning"],
)
async def test_a_policy_for_all_pages_goes_below_those_for_some(there: str, tmp_path: Path) -> None:
    (tmp_path / "cache.yaml").write_text(there)
    async with Origin(DjangoShop()) as origin:
        result = await doctor(origin.url + "/other", "--rules", str(tmp_path), "--path", "/*", "--write")
    text = (tmp_path / "cache.yaml").read_text()
    assert "written to" in result.output and text.startswith(there)
    assert [page.pattern for page in policy_of(text).pages] == ["/contact", "/*"]


async def test_what_keeps_one_page_its_visitors_own_is_not_written_for_all_pages(tmp_path: Path) -> None:
    numbers = count()

    async def always_another(wire: Wire) -> None:
        while await wire.request():
            await wire.send(ok(b"<p>%d</p>" % next(numbers), b"Content-Type: text/html; charset=utf-8"))

    async with Origin(always_another) as origin:
        result = await doctor(origin.url + "/session", "--rules", str(tmp_path), "--path", "/*", "--write")
    assert "the page is each visitor's own" in result.output
    policy = policy_of((tmp_path / "cache.yaml").read_text())
    assert [(page.pattern, page.is_kept) for page in policy.pages] == [("/session", False)]


async def test_a_path_that_the_page_is_none_of_is_refused() -> None:
    for path in ("contact", "/blog/*"):
        result = await doctor("http://127.0.0.1:1/contact", "--path", path)
        assert (result.exit_code, f"is none of `{path}`" in result.output) == (2, True)


async def test_writing_needs_a_folder() -> None:
    assert (await doctor("http://127.0.0.1:1/", "--write")).exit_code == 2


async def test_in_json_the_policy_is_the_last_lines_fix() -> None:
    async with Origin(DjangoShop()) as origin:
        result = await doctor(origin.url + "/contact", "--format", "json")
    last = json.loads(result.output)[-1]
    assert last["check"] == "cache.yaml"
    assert policy_of(last["fix"]).pages[0].pattern == "/contact"
