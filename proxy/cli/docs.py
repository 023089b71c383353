"""`tailorbird docs FOLDER`: generates the reference pages from the tables in the code.

A page is a row of `PAGES`; `tests/test_docs.py` fails when a committed page is not what this writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import click

from proxy.catalogue.strategies import STRATEGIES
from proxy.cli import COMMANDS
from proxy.conditions.tree import OPERATORS
from proxy.conditions.vocabulary import PHRASES
from proxy.environment import PREFIX, as_written
from proxy.events.types import TYPES
from proxy.metric_rows import GAUGES, HELP, HISTOGRAMS
from proxy.page.holes import HOLE_FILLS
from proxy.page.slots import SLOT_KINDS
from proxy.rulebook import cachefile, words
from proxy.rulebook.finding_kinds import FindingKind
from proxy.rulebook.findings import FINDINGS
from proxy.rulebook.words import Word
from proxy.setting_row import values
from proxy.settings import FLAGS, rows

NEEDED = {"": "", "items": "products", "subject": "a subject"}
"""What a kind of event `needs`, in words."""
MADE = "<!-- Written by `make docs` from the code; edits here are lost. -->\n"

SECTIONS = {
    "origin": "Where",
    "rules": "Rules",
    "store": "Store",
    "log_level": "Life",
    "secret": "Who",
    "recorded_a_second": "What was shown",
    "write_keys": "Events",
    "max_request_line_bytes": "Clients",
    "keep_host": "Origin",
    "breaker_failures": "When something keeps failing",
    "cache_bytes": "Cache",
    "max_page_bytes": "Pages",
}
"""What the table's parts are called, by the first setting of each."""


def table(head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    """A Markdown table; bars in cells are escaped."""
    lines = [list(head), *map(list, body)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def settings_page() -> str:
    """Every setting."""
    intro = (
        "A flag (`--origin`) wins over the environment, the environment over the default. Lists are comma-separated. "
        f"`tailorbird serve` has flags for {len(FLAGS)} of them."
    )
    parts: dict[str, list[tuple[str, ...]]] = {}
    for row in rows():
        title = SECTIONS.get(row.name) or next(reversed(parts))
        name, default = f"`{PREFIX}{row.name.upper()}`", code(as_written(row.default))
        parts.setdefault(title, []).append((name, default, values(row), row.metadata["unit"], row.metadata["help"]))
    head = ("environment", "default", "values", "unit", "what it does")
    return f"# Settings\n\n{intro}\n\n" + "\n".join(f"## {title}\n\n{table(head, parts[title])}" for title in parts)


def code(text: str) -> str:
    """The text set as code; nothing for nothing."""
    return f"`{text}`" if text else ""


def vocabulary_page() -> str:
    """Every phrase an editor may use in a condition."""
    intro = (
        "What a rule or segment may ask. Any attribute declared in `attributes.yaml` or brought by an import may be "
        "asked too."
    )
    body = [(f"`{phrase.key}`", phrase.help, f"`{phrase.example}`") for phrase in PHRASES]
    return f"# Vocabulary\n\n{intro}\n\n" + table(("phrase", "what it asks", "example"), body)


def rule_files_page() -> str:
    """Every word of a rule file, part by part, and the operators of its form for programs."""
    parts = ["# Rule files\n\nThe words of each part. Those of conditions are in [vocabulary](vocabulary.md).\n"]
    parts += words_of(words.PARTS, "what it is")
    parts.append(
        "## Conditions for programs\n\nIn any rule file a condition may also be a tree: groups are `all`, `any` and "
        "`none`, each a list; a fact has an `attribute`, an `operator` and mostly a `value`. `tailorbird rules` writes "
        "a folder so, as `*.rules.json`.\n\n"
        + table(("operator", "holds when the attribute"), ((f"`{name}`", help) for name, help in OPERATORS.items()))
    )
    return "\n".join(parts)


def words_of(parts: Mapping[str, Sequence[Word]], what: str) -> Iterator[str]:
    """A section a part; `what` says what is told of its words."""
    for title, part in parts.items():
        body = [(f"`{word.name}`", "yes" if word.required else "", word.help) for word in part]
        yield f"## {title}\n\n" + table(("word", "required", what), body)


def showing_page() -> str:
    """Every slot kind with its keys, and the strategies of product rows."""
    parts = ["# What a slot can show\n"]
    for kind in SLOT_KINDS:
        keys = [(f"`{key.name}`", "yes" if key.required else "", key.help, f"`{key.example}`") for key in kind.keys]
        parts.append(f"## {kind.name}\n\n" + table(("key", "required", "what it is", "example"), keys))
    strategies = [(f"`{strategy.phrase}`", strategy.help, f"`{strategy.example}`") for strategy in STRATEGIES]
    parts.append("## Strategies of a product row\n\n" + table(("strategy", "which products", "example"), strategies))
    return "\n".join(parts)


def caching_page() -> str:
    """Every word of `cache.yaml`, and the ways to fill a hole."""
    parts = ["# The words of cache.yaml\n\nWhat they are for, with recipes: [origins](../origins.md).\n"]
    parts += words_of(cachefile.PARTS, "what stands behind it")
    fills = ((f"`{row.kind}`", row.takes, row.help, f"`{row.example}`") for row in HOLE_FILLS)
    parts.append("## What fills a hole\n\n" + table(("fill", "followed by", "what stands there", "example"), fills))
    return "\n".join(parts)


def findings_page() -> str:
    """Every finding `tailorbird check` knows."""
    intro = "# Findings\n\nWhat `tailorbird check` may say; `tailorbird explain CODE` prints the same.\n"
    return "\n".join([intro, *(finding_section(finding) for finding in FINDINGS)])


def finding_section(finding: FindingKind) -> str:
    """One finding: what it means, a wrong example, the right one."""
    return (
        f"## {finding.code}: {finding.title}\n\n{finding.explanation}\n\n"
        f"Wrong:\n\n```yaml\n{finding.wrong}\n```\n\nRight:\n\n```yaml\n{finding.right}\n```\n"
    )


def commands_page() -> str:
    """Every command."""
    intro = "`tailorbird COMMAND --help` tells the options. Exit codes: 0 fine, 1 failed, 2 usage."
    return f"# Commands\n\n{intro}\n\n" + table(
        ("command", "what it does"), ((f"`{r.name}`", r.help) for r in COMMANDS)
    )


def metrics_page() -> str:
    """Every metric of the admin listener's `/metrics`."""
    every = {**HELP, **GAUGES, **HISTOGRAMS}
    return "# Metrics\n\n" + table(("name", "what it says"), ((f"`{name}`", text) for name, text in every.items()))


def events_page() -> str:
    """Every kind of event."""
    intro = (
        "What is told of visitors, by our name, as Segment's `track` and as GA4 have it. Any other name is a `custom "
        "event`, whose subject is that name. What is not believed of a page wants a key: [who may say "
        "what](../life-of-an-event.md#who-may-say-what)."
    )
    body = [
        (f"`{row.kind}`", row.segment, code(row.ga4), NEEDED[row.needs], "yes" if row.is_server_only else "", row.help)
        for row in TYPES
    ]
    head = ("kind", "Segment", "GA4", "cannot do without", "not of a page", "what happened")
    return f"# Events\n\n{intro}\n\n" + table(head, body)


PAGES: dict[str, Callable[[], str]] = {
    "caching.md": caching_page,
    "commands.md": commands_page,
    "events.md": events_page,
    "findings.md": findings_page,
    "metrics.md": metrics_page,
    "rule-files.md": rule_files_page,
    "settings.md": settings_page,
    "showing.md": showing_page,
    "vocabulary.md": vocabulary_page,
}


@click.command("docs")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def command(folder: Path) -> None:
    """Write the reference pages that are generated from the tables."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        (folder / name).write_text(MADE + make(), encoding="utf-8")
    click.echo(f"{len(PAGES)} pages written to {folder}")
