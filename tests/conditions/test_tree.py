"""Conditions as trees of operators, there and back."""

from __future__ import annotations

import json

import msgspec
import pytest

from proxy.conditions.nodes import MapNode
from proxy.conditions.parse import read_condition
from proxy.conditions.phrase import Kind
from proxy.conditions.tree import OPERATORS, is_tree, read_tree, tree_of
from proxy.conditions.vocabulary import words
from proxy.diagnostics import Finding
from proxy.model import NOWHERE, AllOf, AnyOf, Between, Condition, Fact, NoneOf, OneOf
from proxy.rulebook.read import read_yaml
from tests.decide.worlds import NUMBERS, SETS, TEXTS, WORKED, World

KNOWN = words(
    segments=["VIP", "Newsletter", "Straße", "Walkers", "Big spenders"],
    declared={"tier": Kind.TEXT, "orders": Kind.NUMBER, "spend": Kind.NUMBER, "joined": Kind.DATE},
)


def read_back(text: str) -> tuple[Condition, list[Finding]]:
    findings: list[Finding] = []
    node = read_yaml("x.rules.json", text, findings)
    assert isinstance(node, MapNode), findings
    return read_condition(node, KNOWN, findings), findings


def unplaced(condition: Condition) -> Condition:
    if isinstance(condition, Fact):
        return msgspec.structs.replace(condition, place=NOWHERE)
    return type(condition)(tuple(map(unplaced, condition.parts)))


@pytest.mark.parametrize("seed", range(200))
def test_every_condition_comes_back_as_it_was(seed: int) -> None:
    world = World(seed)
    for condition in [*(rule.condition for rule in world.rules), *(segment.condition for segment in world.segments)]:
        back, findings = read_back(json.dumps(tree_of(condition), ensure_ascii=False))
        assert not findings and unplaced(back) == condition


PHRASES = """\
when:
  viewed: {category: shoes/trail, times: at least 3, within: 14 days}
  orders in the last 365 days: at least 4
  lifetime spend: at least 500 EUR
  any of:
    - search term: contains trail
    - bought: {category: shoes/trail}
    - joined: in the last 3 days
    - location: within 20 km of Utrecht
  hours: between 22:00 and 06:00
"""


def test_what_editors_write_of_behaviour_comes_back_with_its_measures() -> None:
    findings: list[Finding] = []
    node = read_yaml("x", PHRASES, findings)
    assert isinstance(node, MapNode)
    written = read_condition(node.entries[0].value, KNOWN, findings)
    back, more = read_back(json.dumps(tree_of(written)))
    assert not findings + more and unplaced(back) == unplaced(written)
    assert sum('"measure"' in line for line in json.dumps(tree_of(written), indent=1).split("\n")) == 4


def test_the_tree_reads_like_this() -> None:
    condition = AllOf((Fact("country", OneOf(frozenset({"NO", "NL"}))), NoneOf((Fact("orders", Between(high=3)),))))
    assert tree_of(condition) == {
        "all": [
            {"attribute": "country", "operator": "in", "value": ["NL", "NO"]},
            {"none": [{"attribute": "orders", "operator": "lte", "value": 3}]},
        ]
    }
    assert tree_of(AnyOf()) == {"any": []}


@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ('{"attribute": "orders", "operator": "gtee", "value": 3}', "R304", "there is no operator `gtee`"),
        ('{"attribute": "orders", "operator": "gte", "value": "many"}', "R304", "could not convert"),
        ('{"attribute": "orders", "operator": "gte", "valeu": 3}', "R304", "`valeu`"),
        ('{"attribute": "oders", "operator": "gte", "value": 3}', "R101", 'I do not know "oders"'),
        ('{"attribute": "segment", "operator": "in", "value": ["VIPS"]}', "R302", 'there is no segment "VIPS"'),
        ('{"all": [{"orders": 3}]}', "R104", "a fact or a group"),
        ('{"all": {"orders": 3}}', "R104", '"all" should be a list'),
    ],
)
def test_what_is_wrong_is_reported(text: str, code: str, what: str) -> None:
    findings = read_back(text)[1]
    assert [finding.code for finding in findings] == [code] and what in findings[0].what and findings[0].help


def test_phrases_are_no_tree_and_every_operator_is_described() -> None:
    node = read_yaml("x", "country: NO", [])
    assert isinstance(node, MapNode) and not is_tree(node)
    assert all(OPERATORS.values()) and {*TEXTS, *NUMBERS, *SETS, *WORKED}
    tree = read_yaml("x", '{"any": []}', [])
    assert isinstance(tree, MapNode) and read_tree(tree, KNOWN, []) == AnyOf()
