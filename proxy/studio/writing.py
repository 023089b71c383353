"""The studio's pages *Files*: rule files, banners and cards are written, checked, tested, mended and saved.

Where a saved folder is live at once, a file that brings new mistakes or failing tests is not saved: its text stays on
the page. Nor is one saved that somebody else has changed since it was opened.
"""

from __future__ import annotations

import asyncio
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from proxy.cases import Outcome, report, run_cases
from proxy.diagnostics import Finding, many, rows_of
from proxy.errors import OperatorError, RequestError
from proxy.rulebook.compile import Loaded
from proxy.rulebook.findings import FINDINGS
from proxy.rulebook.mending import BOM
from proxy.rulebook.read import MAX_FILE_BYTES, RULE_FILES
from proxy.stores.ruledir import read_folder
from proxy.stores.versions import mark_of
from proxy.studio.forms import form_of
from proxy.studio.rule_list import WRITABLE
from proxy.studio.versions import Html
from proxy.studio.views import Site
from proxy.studio.words import started, words_view

MAX_FORM_BYTES = 3 * MAX_FILE_BYTES + 4_096
"""A letter of a text may take three bytes of a form for each of its own."""
MOST_PROBLEMS = 100
EXPLAINED = {kind.code: str(kind) for kind in FINDINGS}
NOT_UTF8 = "This file was not saved as UTF-8. Look whether its special letters are right here; saving it mends it."

Files = dict[str, bytes]


class FileView(msgspec.Struct, frozen=True):
    """A file that can be written here: how many rules are in it, and how many problems and warnings."""

    name: str
    rules: int
    problems: int
    warnings: int


class ProblemView(msgspec.Struct, frozen=True):
    """A finding, with the `row` of its file, and all that there is to say of its kind. `opens`: its file can be opened
    here."""

    file: str
    line: int
    row: str
    code: str
    what: str
    help: str
    note: str
    explained: str
    is_warning: bool
    opens: bool


class Tried(msgspec.Struct, frozen=True):
    """What becomes of a text: its problems and `more` that are not listed, and how its tests went. `may_mend`: a
    program can correct some of them. `counted` says in words how many problems and failing tests there are."""

    problems: list[ProblemView]
    more: int
    counted: str
    tests: str
    may_mend: bool


def files_view(files: Files, loaded: Loaded) -> list[FileView]:
    """The files that can be written here: those with rules, then the others, each by name."""
    rules = Counter(rule.place.file for rule in loaded.publication.rules) if loaded.publication else Counter[str]()
    found = Counter((finding.place.file, finding.is_warning) for finding in loaded.findings)
    names = sorted(
        filter(WRITABLE.fullmatch, files), key=lambda name: (not name.endswith(".rules.yaml"), "/" in name, name)
    )
    return [FileView(name, rules[name], found[name, False], found[name, True]) for name in names]


def tried_view(name: str, loaded: Loaded, outcomes: Sequence[Outcome]) -> Tried:
    """The problems and failing tests of the folder with this text in it, those of its own file first; warnings, and
    tests that pass, of its own alone."""
    own = [finding for finding in loaded.findings if finding.place.file == name]
    told = sorted(own, key=lambda finding: finding.is_warning)
    told += [finding for finding in loaded.findings if finding.place.file != name and not finding.is_warning]
    failing = [outcome for outcome in outcomes if not outcome.passed and outcome.case.place.file == name]
    failing_elsewhere = [outcome for outcome in outcomes if not outcome.passed and outcome.case.place.file != name]
    ours = [*(outcome for outcome in outcomes if outcome.case.place.file == name), *failing_elsewhere]
    tests = report(loaded.publication, ours, name) if loaded.publication and ours else ""
    rows = {file: rows_of(loaded.sources.get(file, "")) for file in {each.place.file for each in told[:MOST_PROBLEMS]}}
    problems = [_problem(finding, rows[finding.place.file]) for finding in told[:MOST_PROBLEMS]]
    warnings = sum(finding.is_warning for finding in told)
    counted = [f"{len(told) - warnings} to mend"] if len(told) > warnings else []
    counted += [many(warnings, "warning")] if warnings else []
    counted += [f"{many(len(failing), 'test')} failing"] if failing else []
    counted += [f"{many(len(failing_elsewhere), 'test')} of other files failing"] if failing_elsewhere else []
    return Tried(problems, len(told) - len(problems), ", ".join(counted), tests, any(finding.edits for finding in own))


def _problem(finding: Finding, rows: Sequence[str]) -> ProblemView:
    place = finding.place
    row = rows[place.line - 1].strip() if 1 <= place.line <= len(rows) else ""
    opens = WRITABLE.fullmatch(place.file) is not None
    words = (finding.code, finding.what, str(finding.help), finding.note, EXPLAINED.get(finding.code, ""))
    return ProblemView(place.file, place.line, row, *words, finding.is_warning, opens)


def writing_routes(site: Site, html: Html, *, may_write: bool) -> list[Route]:
    """`html(template, status, **values)` makes a page. Unless one `may_write`, files are shown and tried, not saved."""
    pages = _FilePages(site, html, may_write)
    return [
        Route("/files", pages.listed),
        Route("/file", pages.opened),
        Route("/file", pages.sent, methods=["POST"]),
    ]


class _FilePages:
    """The list of files, and the page of one."""

    def __init__(self, site: Site, html: Html, may_write: bool) -> None:
        self._site = site
        self._html = html
        self._may_write = may_write

    async def listed(self, request: Request) -> Response:
        files = await self._folder()
        view = files_view(files, await self._site.load(files))
        return self._html("files.html", files=msgspec.to_builtins(view), may_write=self._may_write)

    async def opened(self, request: Request) -> Response:
        asked, files = request.query_params, await self._folder()
        name = named(asked.get("name", ""))
        row = asked.get("line", "")
        line = int(row) if row.isdecimal() and len(row) < 7 else 0
        said = "Saved." if "saved" in asked else ""
        if name not in files:
            text = started(name, await self._site.load(files))
            return await self._page(
                name, text, "", {**files, name: text.encode()}, said="This file is new: change it, and save it."
            )
        text, mark = _text(files[name]), mark_of(files[name])
        if files[name].removeprefix(BOM) != text.encode():
            said, files = NOT_UTF8, {**files, name: text.encode()}
        return await self._page(name, text, mark, files, line=line, said=said)

    async def sent(self, request: Request) -> Response:
        fields = await form_of(request, MAX_FORM_BYTES)
        name, mark, now = named(fields.get("name", "")), fields.get("mark", ""), await self._folder()
        if fields.get("do") in ("delete", "rename") and name in now:
            return await self._moved(name, named(fields.get("to", "")) if fields["do"] == "rename" else "", mark, now)
        files = {**now, name: _bytes(fields.get("text", ""), now.get(name, b""))}
        said = ""
        if fields.get("do") == "mend":
            before, files = files, {**files, name: await self._site.mend(files, name)}
            said = "Nothing to mend." if before == files else "Mended what a program can. It is not saved yet."
        if fields.get("do") != "save":
            return await self._page(name, _text(files[name]), mark, files, said=said)
        try:
            await self._save(name, mark, now, files)
        except OperatorError as error:
            is_stale = mark != mark_of(now.get(name, b""))
            return await self._page(
                name, _text(files[name]), mark, files, 409, wrong=error.in_sentences, is_stale=is_stale
            )
        return RedirectResponse(f"/file?{urlencode({'name': name, 'saved': ''})}", 303)

    async def _moved(self, name: str, new: str, mark: str, now: Files) -> Response:
        """Gives a file a new name, or deletes it where that is ""."""
        files = {each: content for each, content in now.items() if each != name} | ({new: now[name]} if new else {})
        versions = self._site.versions
        try:
            await self._must_be_right(name, now, files)
            if new:
                await asyncio.to_thread(versions.rename, name, new, mark)
            else:
                await asyncio.to_thread(versions.remove, name, mark)
        except OperatorError as error:
            return await self._page(name, _text(now[name]), mark, now, 409, wrong=error.in_sentences)
        return RedirectResponse(f"/file?{urlencode({'name': new, 'saved': ''})}" if new else "/files", 303)

    async def _save(self, name: str, mark: str, now: Files, files: Files) -> None:
        """Raises `OperatorError`. What is there already is saved: somebody pressed the button twice."""
        if self._may_write and name in now and files[name] == now[name]:
            return
        await self._must_be_right(name, now, files)
        await asyncio.to_thread(self._site.versions.write, name, files[name], mark)

    async def _must_be_right(self, name: str, now: Files, files: Files) -> None:
        """Raises `OperatorError` where one may not write, or where what is saved is live and would have new faults."""
        if not self._may_write:
            raise OperatorError(
                "not saved: files are written elsewhere", help="TAILORBIRD_STUDIO_WRITES=true lets this page"
            )
        if not self._site.is_published and (
            wrong := _wrong(*await self._tried(name, files)) - _wrong(*await self._tried(name, now))
        ):
            raise OperatorError(
                f"not saved, because what is saved is live at once: {sorted(wrong)[0]}",
                help="mend what is listed below first" if name in files else "mend that first",
            )

    async def _page(self, name: str, text: str, mark: str, files: Files, status: int = 200, **told: object) -> Response:
        loaded, outcomes = await self._tried(name, files)
        words = words_view(files, loaded) if name.endswith(RULE_FILES[0]) else None
        values = {
            "said": "",
            "wrong": "",
            "line": 0,
            "is_stale": False,
            "may_write": self._may_write,
            "is_draft": self._site.is_published,
            **told,
        }
        values |= {
            "tried": msgspec.to_builtins(tried_view(name, loaded, outcomes)),
            "words": msgspec.to_builtins(words),
        }
        values["is_saved"] = mark == mark_of(files[name])
        return self._html("file.html", status, file=name, text=text, mark=mark, **values)

    async def _folder(self) -> Files:
        return await asyncio.to_thread(read_folder, self._site.versions.rules)

    async def _tried(self, name: str, files: Files) -> tuple[Loaded, Sequence[Outcome]]:
        loaded = await self._site.load(files)
        publication = loaded.publication
        return loaded, await asyncio.to_thread(run_cases, publication, self._site.now()) if publication else ()


def named(said: str) -> str:
    """The file of this name; `winter` is `winter.rules.yaml`. Raises `RequestError` for one that cannot be written
    here."""
    name = said.strip()
    name = name if "." in name or "/" in name else f"{name}.rules.yaml"
    if not WRITABLE.fullmatch(name):
        raise RequestError(
            f"`{said}` is no name of a file that can be written here",
            help="write a name like winter.rules.yaml, banners/winter.html or cards/gift.html",
        )
    return name


def _wrong(loaded: Loaded, outcomes: Sequence[Outcome]) -> set[str]:
    """What stands in the way of these files."""
    problems = {f"{each.what} ({each.place.file})" for each in loaded.findings if not each.is_warning}
    return problems | {f'the test "{each.case.name}" fails' for each in outcomes if not each.passed}


def _text(content: bytes) -> str:
    """The text; if it is not UTF-8, as Windows programs write it."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "cp1252", "replace")


def _bytes(text: str, before: bytes) -> bytes:
    """The text of a form, whose lines a browser ends in its own way, as the file before ended them."""
    text = text.replace("\r\n", "\n")
    if b"\r\n" in before:
        text = text.replace("\n", "\r\n")
    return (BOM if before.startswith(BOM) else b"") + text.encode()
