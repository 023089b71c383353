"""What the code's tables say is in the reference, and the reference says nothing else."""

from __future__ import annotations

import ast
import dataclasses
import re
import time
from pathlib import Path

import click
import pytest

from proxy.cases import run_cases
from proxy.cli import tailorbird
from proxy.cli.docs import MADE, PAGES
from proxy.environment import PREFIX
from proxy.metric_rows import GAUGES, HELP, HISTOGRAMS
from proxy.rulebook.compile import load
from proxy.settings import Settings
from proxy.stores.ruledir import read_folder
from tests.test_layers import ROWS

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_page_is_what_the_code_says(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == MADE + PAGES[name](), "run `make docs`"


def test_the_reference_holds_no_page_that_nothing_writes() -> None:
    assert {path.name for path in REFERENCE.iterdir()} == set(PAGES)


@pytest.mark.parametrize(
    "path", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("rules/*.md")]), ids=str
)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}, which is not there"


def test_files_that_pages_and_modules_name_are_there() -> None:
    known = [f"/{path.relative_to(ROOT)}" for path in ROOT.glob("[lpt]*/**/*.py")]
    gone = []
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("proxy/**/*.py")):
        before = r"(?<![\w/.])" if path.suffix == ".md" else "`"
        named = set(re.findall(before + r"((?:\w+/)*\w+\.py)\b", path.read_text(encoding="utf-8")))
        gone += [(path.name, file) for file in named if not any(there.endswith(f"/{file}") for there in known)]
    assert gone == []


def test_folders_that_pages_name_are_there() -> None:
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        for folder in re.findall(
            r"(?<![\w/.])((?:proxy|tests|loadtests)/(?:\w+/)*)(?![\w*.])", path.read_text("utf-8")
        ):
            assert (ROOT / folder).is_dir(), f"{path.name} names {folder}, which is not there"


def test_modules_that_a_package_lists_are_in_it() -> None:
    for path in ROOT.glob("proxy/*/__init__.py"):
        listed = re.findall(r"[*;] `(\w+)`: ", ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "")
        assert [name for name in listed if not (path.parent / f"{name}.py").exists()] == [], path


def test_metrics_and_settings_on_pages_are_there() -> None:
    metrics = {*HELP, *GAUGES, *HISTOGRAMS, *(f"{name}_bucket" for name in HISTOGRAMS)}
    settings = {row.name for row in dataclasses.fields(Settings)}
    known = metrics | settings | {PREFIX + name.upper() for name in settings}
    for path in (*ROOT.glob("*.md"), ROOT / "Dockerfile", ROOT / "compose.yaml", *ROOT.glob("docs/*.md")):
        text = path.read_text(encoding="utf-8")
        named = set(re.findall(r"(?:tailorbird|TAILORBIRD)_[A-Za-z_]+[a-zA-Z](?!\w*\*)", text))
        named |= set(re.findall(r"`([a-z]+_[a-z_]*(?:ms|seconds|bytes|fraction|clients|header))`", text)) - {
            "origin_ms"
        }
        assert named <= known, path.name


def options_not_there(command: click.Command, words: list[str]) -> list[str]:
    """Of the words that follow a command, those that are neither its options nor its commands."""
    if isinstance(command, click.Group) and words:
        context = click.Context(command)
        inner = command.get_command(context, words[0]) if words[0] in command.list_commands(context) else None
        return options_not_there(inner, words[1:]) if inner else words
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]


@pytest.mark.parametrize("path", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), ids=str)
def test_commands_on_pages_are_there_with_their_options(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    written = re.findall(
        r"(?:^ *|`|[|$] |-- )tailorbird ((?!visitor v1|key id|user v1)[a-z][^`\n|#,;)]*?)(?=  |[`\n|#,;)])", text, re.M
    )
    for line in written:
        assert options_not_there(tailorbird, line.replace('"', " ").split()) == [], line


def test_the_page_on_layers_has_the_rows_that_imports_are_checked_by() -> None:
    text = (ROOT / "docs" / "layers.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| (\d) \| \W*(\w+)", text, re.MULTILINE)
    assert sorted(told) == sorted(
        (str(row), each) for row, packages in ROWS.items() for each in packages - {"__main__"}
    )


def test_each_change_is_told_in_three_lines_of_a_group() -> None:
    _, *groups = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n### ")
    for name, *lines in (group.strip().split("\n") for group in groups):
        entries = "\n".join(lines).strip().split("\n- ")
        assert entries[0].startswith("- "), name
        long = [entry for entry in entries if entry.count("\n") > 2 or "\n\n" in entry]
        assert long == [], f"{name}: say it in three lines"
        wide = [line for line in lines if len(line) > 125 or line[:2] not in ("- ", "  ", "")]
        assert wide == [], f"{name}: a line has up to 125 characters, and begins with `- ` or two blanks"


@pytest.mark.parametrize(
    ("page", "blocks", "banner"), [("README.md", 1, "Winter is coming"), ("rules/README.md", 2, "Rain is coming")]
)
def test_the_first_rule_of_a_page_is_a_good_one_among_the_others(page: str, blocks: int, banner: str) -> None:
    texts = re.findall(r"```yaml\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    loaded = load({**read_folder(ROOT / "rules"), "new.rules.yaml": "\n".join(texts[:blocks]).encode()})
    assert loaded.publication is not None, loaded.findings
    assert banner in loaded.publication.fragments
    assert all(outcome.passed for outcome in run_cases(loaded.publication, time.time()))
