"""Segments, and the circles they must not make."""

from __future__ import annotations

import pytest

from proxy.conditions.vocabulary import words
from proxy.diagnostics import Finding
from proxy.model import EVERYBODY, AllOf, AnyOf, Fact
from proxy.rulebook.names import Names
from proxy.rulebook.segments import NOBODY, circles, segments_asked, typed_condition
from tests.rulebook.conftest import Publish


def test_a_segment_without_condition_has_only_imported_members(publish: Publish) -> None:
    loaded = publish("segments:\n  A:\n  B: {}\n  C: {description: from the CDP}\nrules: []")
    assert loaded.publication is not None
    assert [segment.condition for segment in loaded.publication.segments] == [NOBODY] * 3
    assert AnyOf() == NOBODY
    assert loaded.publication.segments[2].description == "from the CDP"


def test_when_and_unless_are_joined(publish: Publish) -> None:
    text = "timezone: Europe/Oslo\nsegments:\n  A:\n    when: {orders: 1}\n    unless: {city: Oslo}\nrules: []"
    loaded = publish(text)
    assert loaded.publication is not None
    (segment,) = loaded.publication.segments
    assert [type(part).__name__ for part in getattr(segment.condition, "parts", ())] == ["Fact", "NoneOf"]
    assert segment.timezone == "Europe/Oslo"


@pytest.mark.parametrize(
    ("conditions", "notes"),
    [
        ({"A": "B", "B": ""}, []),
        ({"A": "A"}, ["the circle is A → A"]),
        ({"A": "B", "B": "C", "C": "A"}, ["the circle is A → B → C → A"]),
        ({"A": "B", "B": "A", "C": "D", "D": "C"}, ["the circle is A → B → A", "the circle is C → D → C"]),
    ],
)
def test_circles_are_reported_once_each(conditions: dict[str, str], notes: list[str], publish: Publish) -> None:
    lines = [f"  {name}: {f'{{when: {{segment: {asks}}}}}' if asks else '{}'}" for name, asks in conditions.items()]
    loaded = publish("segments:\n" + "\n".join(lines) + "\nrules: []")
    rotations = [{note, *_rotated(note)} for note in notes]
    assert len(loaded.findings) == len(notes)
    assert all(finding.note in allowed for finding, allowed in zip(loaded.findings, rotations, strict=True))


def _rotated(note: str) -> list[str]:
    """The same circle, begun elsewhere."""
    names = note.removeprefix("the circle is ").split(" → ")[:-1]
    turns = [names[start:] + names[:start] for start in range(len(names))]
    return [f"the circle is {' → '.join([*turn, turn[0]])}" for turn in turns]


@pytest.mark.parametrize("name", ["not VIP", "any", "Contains gold", "a, b", "[x]"])
def test_a_name_that_a_condition_could_not_say_is_refused(name: str, publish: Publish) -> None:
    loaded = publish(f'segments:\n  "{name}": {{}}\nrules: []')
    assert [finding.code for finding in loaded.findings] == ["R304"]


def test_every_segment_that_a_condition_asks_for_is_found(publish: Publish) -> None:
    loaded = publish("segments:\n  A: {}\n  B: {when: {any of: [{segment: not A}, {orders: 1}]}}\nrules: []")
    assert loaded.publication is not None
    nobody, asks = loaded.publication.segments
    assert list(segments_asked(asks.condition)) == ["a"] and not circles([nobody, asks])
    assert not list(segments_asked(Fact("city", nobody.condition)))  # type: ignore[arg-type]


# -- while somebody types

NAMES = Names(words(("VIP",), {}, (), ()), ())


def test_lines_are_read_as_after_when() -> None:
    findings: list[Finding] = []
    condition = typed_condition("orders: at least 3\nsegment: VIP", NAMES, findings)
    assert not findings
    assert isinstance(condition, AllOf)
    assert len(condition.parts) == 2


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_condition_matches_everybody(text: str) -> None:
    findings: list[Finding] = []
    assert (typed_condition(text, NAMES, findings), findings) == (EVERYBODY, [])


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [("country: NL\nordrs: at least 3", "R101", 2), ("orders: [", "Y001", 2), ("orders", "R104", 1)],
)
def test_what_cannot_be_read_yet_is_told_by_line(text: str, code: str, line: int) -> None:
    findings: list[Finding] = []
    typed_condition(text, NAMES, findings)
    assert [(one.code, one.place.line) for one in findings] == [(code, line)]
