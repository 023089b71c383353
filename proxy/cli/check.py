"""`tailorbird check`: every problem of a rule folder at once, for people, for programs, and for CI."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import click
import msgspec

from proxy.cli.junit import Result, junit_xml
from proxy.cli.options import as_json
from proxy.cli.rulefolder import folder_arguments, loaded_from, site_now
from proxy.diagnostics import Finding, as_text, many
from proxy.rulebook.compile import Loaded
from proxy.rulebook.mending import mended
from proxy.rulebook.read import ATTRIBUTE_FILE, CACHE_FILE, SLOT_FILE
from proxy.stores.ruledir import read_folder
from proxy.stores.whole_files import replace_whole

Form = Callable[[Loaded, Path, bool], str]
"""What is printed of a folder; True when warnings count as problems."""

BY_WHAT_THEY_HOLD = {b"slots": SLOT_FILE, b"listings": SLOT_FILE, b"pages": CACHE_FILE, b"attributes": ATTRIBUTE_FILE}
_HELD = re.compile(
    rb"^(?:\xef\xbb\xbf)?(rules|experiments|segments|slots|listings|pages|attributes)[ \t]*:", re.MULTILINE
)
_YAML = re.compile(r"(.+?)(?:\.rules?)?\.ya?ml(?:\.txt)?", re.IGNORECASE)


@click.command("check")
@folder_arguments
@click.option("--strict", is_flag=True, help="warnings count as problems")
@click.option("--fix", is_flag=True, help="mend what a program can, in the files, and tell the rest")
@click.option("--format", "form", type=click.Choice(["text", "json", "github", "junit"]), default="text")
def command(folder: Path, catalogue: Path | None, store: str | None, strict: bool, fix: bool, form: str) -> None:
    """List all problems in a rule folder, with place and help.

    Exit code 1 when there are any. With --fix, each correction that a help names is written into its file, and no other
    byte changes; the corrections are listed, then the remaining problems.
    """
    files, site = read_folder(folder), site_now(store)
    if fix:
        files = _mend(folder, files, lambda now: loaded_from(now, catalogue, store))
    loaded = loaded_from(files, catalogue, store, site)
    for note in _overlooked(folder, files):
        click.echo(note, err=True)
    text = FORMS[form](loaded, folder, strict)
    if text:
        click.echo(text)
    sys.exit(loaded.publication is None or (strict and bool(loaded.findings)))


def _overlooked(folder: Path, files: Mapping[str, bytes]) -> Iterator[str]:
    """Of each file that is written like one of a rule folder, and is not read since it is called or lies otherwise."""
    for file in sorted((*folder.glob("[!.]*"), *folder.glob("[!.]*/[!.]*"))):
        name, stem = file.relative_to(folder).as_posix(), _YAML.fullmatch(file.name)
        if name in files or stem is None or not file.is_file():
            continue
        if held := _HELD.search(file.read_bytes()):
            right = BY_WHAT_THEY_HOLD.get(held[1], f"{stem[1]}.rules.yaml")
            where = ", in the folder itself" if "/" in name else ""
            yield f"`{name}` is not read: call it {right}{where}"


def _mend(folder: Path, files: Mapping[str, bytes], load: Callable[[Mapping[str, bytes]], Loaded]) -> dict[str, bytes]:
    """Writes what can be mended into the folder, and tells each change on stderr."""
    now, done = mended(files, lambda files: load(files).findings)
    for name in now:
        if now[name] != files[name]:
            replace_whole((folder / name).resolve(), now[name])
    for change in done:
        place = change.finding.place
        words = f'"{change.before}" is now "{change.after}"'.replace("\n", "\\n")
        if not change.before.strip() and not change.after.strip():
            words = "blanks are mended"
        click.echo(f"{place.file}:{place.line}: {change.finding.code} {words}", err=True)
    return now


def _text(loaded: Loaded, folder: Path, strict: bool) -> str:
    problems = as_text(loaded.findings, loaded.sources)
    if problems or loaded.publication is None:
        return problems
    files, rules = len(loaded.sources), len(loaded.publication.rules)
    return f"{many(files, 'file')}, {many(rules, 'rule')}, no problems."


def _json(loaded: Loaded, folder: Path, strict: bool) -> str:
    told = [{**asdict(finding), "place": msgspec.structs.asdict(finding.place)} for finding in loaded.findings]
    return as_json(told)


def _github(loaded: Loaded, folder: Path, strict: bool) -> str:
    """Workflow commands that GitHub shows as annotations beside the lines."""
    return "\n".join(_annotation(finding, folder) for finding in loaded.findings)


def _annotation(finding: Finding, folder: Path) -> str:
    place = finding.place
    where = f"file={_property(f'{folder}/{place.file}')},line={place.line},col={place.column},endColumn={place.end}"
    level = "warning" if finding.is_warning else "error"
    text = f"{finding.what} (help: {finding.help})".replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{level} {where},title={finding.code}::{text}"


def _property(value: str) -> str:
    return value.replace("%", "%25").replace(":", "%3A").replace(",", "%2C")


def _junit(loaded: Loaded, folder: Path, strict: bool) -> str:
    """A case for each file, failed by what makes the command fail."""
    problems: dict[str, list[Finding]] = {name: [] for name in loaded.sources}
    for finding in loaded.findings:
        if finding.is_warning and not strict:
            continue
        problems.setdefault(finding.place.file, []).append(finding)
    results = [Result(name, name, as_text(found, loaded.sources)) for name, found in problems.items()]
    return junit_xml("tailorbird check", results)


FORMS: Mapping[str, Form] = {"text": _text, "json": _json, "github": _github, "junit": _junit}
