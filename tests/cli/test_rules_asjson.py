"""Rule files as JSON say the same as the files they were made of."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from proxy.cli.rules import as_json
from proxy.decide.engine import decide
from proxy.model import NOWHERE, AllOf, AnyOf, Condition, EvaluationContext, Fact, NoneOf, Rule, Segment
from proxy.rulebook.compile import Publication, load
from proxy.stores.ruledir import read_folder

ROOT = Path(__file__).parents[2]


def unplaced(condition: Condition) -> Condition:
    match condition:
        case Fact():
            return msgspec.structs.replace(condition, place=NOWHERE)
        case AllOf(parts) | AnyOf(parts) | NoneOf(parts):
            return type(condition)(tuple(map(unplaced, parts)))


def bare(asked: Rule | Segment) -> Rule | Segment:
    return replace(asked, place=NOWHERE, condition=unplaced(asked.condition))


def published(files: dict[str, bytes]) -> Publication:
    loaded = load(files)
    assert loaded.publication is not None, loaded.findings
    return loaded.publication


@pytest.mark.parametrize("folder", [ROOT / "rules", ROOT / "docs" / "editors"], ids=lambda folder: folder.name)
def test_a_folder_comes_back_the_same(folder: Path) -> None:
    folder = folder if any(folder.glob("*.rules.yaml")) else ROOT / "rules"
    files = read_folder(folder)
    loaded = load(files)
    assert loaded.publication is not None and loaded.names is not None
    written = as_json(files, loaded.names)
    others = {name: content for name, content in files.items() if not name.endswith(".rules.yaml")}
    again = published({**others, **{name: text.encode() for name, text in written.items()}})
    assert list(map(bare, again.rules)) == list(map(bare, loaded.publication.rules))
    assert list(map(bare, again.segments)) == list(map(bare, loaded.publication.segments))
    assert [case.name for case in again.cases] == [case.name for case in loaded.publication.cases]
    contexts = [
        EvaluationContext(str(number), 1_795_600_000.0, case.attributes) for number, case in enumerate(again.cases)
    ]
    assert [decide(again.plan, each) for each in contexts] == [
        decide(loaded.publication.plan, each) for each in contexts
    ]


def test_phrases_become_trees_and_everything_else_stays() -> None:
    text = """\
# why
rules:
  - {name: A, slot: s, when: {credits: at least 3}, unless: {country: NO}, rollout: 5%, show: nothing new}
"""
    files = {
        "a.rules.yaml": text.encode(),
        "slots.yaml": b"slots: {s: {}}",
        "attributes.yaml": b"attributes: {credits: number}",
    }
    names = load(files).names
    assert names is not None
    (rule,) = json.loads(as_json(files, names)["a.rules.json"])["rules"]
    tree = rule.pop("when")
    assert rule == {"name": "A", "slot": "s", "rollout": "5%", "show": "nothing new"}
    assert [sorted(part) for part in tree["all"]] == [["attribute", "operator", "text", "value"], ["none"]]
