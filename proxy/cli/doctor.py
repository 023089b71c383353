"""`tailorbird doctor URL`: fetches a page as an anonymous visitor, and says what to mend before Tailorbird is put in
front of it. The examination is in `proxy/doctor/`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent, indent
from urllib.parse import parse_qsl, urlsplit

import click

from proxy.cli.options import form_option, settings_now
from proxy.cli.rulefolder import A_FOLDER
from proxy.diagnostics import Finding
from proxy.doctor.examination import examine, is_failed
from proxy.doctor.fetched import Level, Line
from proxy.doctor.proposal import PUT_IT
from proxy.doctor.proposed_policy import Proposal
from proxy.doctor.shop_client import ShopClient, is_web_address, path_of
from proxy.rulebook.check import check
from proxy.rulebook.policy import PagePolicy
from proxy.rulebook.read import CACHE_FILE
from proxy.stores.ruledir import read_folder

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
    if pattern is not None and not PagePolicy(pattern).is_for(path_of(url), dict(parse_qsl(urlsplit(url).query, True))):
        raise click.BadParameter(f"the page at {path_of(url)} is none of `{pattern}`", param_hint="--path")
    checked = check(read_folder(rules)) if rules else None
    found = examine(ShopClient(url, settings_now(), public), checked, pattern)
    lines = found.lines
    if is_written and rules and found.proposal:
        written = _written(rules, found.proposal)
        lines = [line for line in lines if written.level is Level.FAIL or line.fix != PUT_IT] + [written]
    lines += found.choices
    print_as(form, lines, found.proposal.text if found.proposal else "")
    sys.exit(is_failed(lines))


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


def _print(line: Line) -> None:
    click.echo(f"{click.style(f'{line.level:<4}', COLOURS[line.level])}  {line.check:<12}{line.says}")
    if line.fix:
        click.echo(f"{'':18}fix: {line.fix}")
