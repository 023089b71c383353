"""`tailorbird rules`: rule files as JSON, for programs, with every condition as a tree of operators. A file whose name
ends in `.rules.json` is read by the same checker as any rule file."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from proxy.cli.rulefolder import folder_arguments, loaded_from
from proxy.conditions.nodes import Entry, ListNode, MapNode, Node
from proxy.conditions.tree import plain, tree_of
from proxy.diagnostics import Finding, many, mistakes_text
from proxy.rulebook.files import RuleFile, rule_files, texts
from proxy.rulebook.names import Names
from proxy.rulebook.read import read_yaml
from proxy.rulebook.segments import read_stage, read_when
from proxy.rulebook.words import Part
from proxy.stores.ruledir import read_folder


@click.command("rules")
@folder_arguments
@click.option(
    "--to", type=click.Path(file_okay=False, path_type=Path), help="write the files there, instead of printing"
)
@click.option("--format", "form", type=click.Choice(["json"]), default="json", show_default=True)
def command(folder: Path, catalogue: Path | None, store: str | None, to: Path | None, form: str) -> None:
    """The rule files of a folder as JSON, with conditions as trees of operators. Such files, named *.rules.json, are
    rule files like any other: they are checked, tested and served. Exit code 1 when the folder has problems.
    """
    files = read_folder(folder)
    loaded = loaded_from(files, catalogue, store)
    if loaded.names is None or any(not finding.is_warning for finding in loaded.findings):
        click.echo(mistakes_text(loaded.findings, loaded.sources), err=True)
        sys.exit(1)
    written = as_json(files, loaded.names)
    if to is None:
        click.echo(json.dumps({name: json.loads(text) for name, text in written.items()}, indent=2, ensure_ascii=False))
        return
    to.mkdir(parents=True, exist_ok=True)
    for name, text in written.items():
        (to / name).write_text(text, encoding="utf-8")
    click.echo(f"{many(len(written), 'file')} written to {to}")


CONDITIONS = ("when", "unless")
YAML, JSON = ".rules.yaml", ".rules.json"


def as_json(files: Mapping[str, bytes], names: Names) -> dict[str, str]:
    """Every rule file of a valid folder as JSON, by its new name. `names` are those of the checked folder."""
    findings: list[Finding] = []
    sources = {name: text for name, text in texts(files, findings) if name.endswith((YAML, JSON))}
    roots = {name: root for name, text in sources.items() if (root := read_yaml(name, text, findings))}
    opened = rule_files(roots, findings)
    return {file.name.removesuffix(YAML).removesuffix(JSON) + JSON: _written(file, names) for file in opened}


def _written(file: RuleFile, names: Names) -> str:
    parts = {word: _part(word, entry, file, names) for word, entry in file.parts.items()}
    return json.dumps(parts, indent=2, ensure_ascii=False) + "\n"


def _part(word: str, entry: Entry, file: RuleFile, names: Names) -> Any:
    node = entry.value
    if word in ("rules", "experiments") and isinstance(node, ListNode):
        return [_with_tree(item, file, names) for item in node.items]
    if word == "segments" and isinstance(node, MapNode):
        return {each.key.text: _with_tree(each.value, file, names) for each in node.entries}
    if word == "journey" and isinstance(node, MapNode):
        return {each.key.text: _stage(each, file, names) for each in node.entries}
    return plain(node)


def _with_tree(node: Node, file: RuleFile, names: Names) -> Any:
    """A rule or segment with its `when` and `unless` as one tree."""
    if not isinstance(node, MapNode):
        return plain(node)
    found = Part.of(node)
    values = {word: plain(entry.value) for word, entry in found.items() if word not in CONDITIONS}
    if not found.keys() & set(CONDITIONS):
        return values
    return values | {"when": tree_of(read_when(found, names.at(file.timezone), []))}


def _stage(entry: Entry, file: RuleFile, names: Names) -> Any:
    if not isinstance(entry.value, MapNode):
        return plain(entry.value)
    return tree_of(read_stage(entry, names, file.timezone, []).condition)
