"""Reads segments (named groups of visitors) and the stages of a `journey:` (of several that match, a visitor is in the
last), and finds those that refer to each other in a circle."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter

from proxy.conditions.nodes import EVERYBODY as OTHERS
from proxy.conditions.nodes import Entry, MapNode, Scalar, is_nothing
from proxy.conditions.parse import all_of, read_condition
from proxy.decide.conjunctions import facts_of
from proxy.decide.plan import JOURNEY
from proxy.diagnostics import Finding, Suggestion
from proxy.model import EVERYBODY, NOBODY, Condition, Fact, NoneOf, NotOneOf, OneOf, Segment
from proxy.rulebook.names import Names
from proxy.rulebook.read import read_yaml
from proxy.rulebook.words import SEGMENT, Part, fields

_FORM = re.compile(r"(?:not|any|none|starts with|contains)\b.*|.*[,\[\]].*|\s*", re.IGNORECASE)


def read_segment(entry: Entry, names: Names, timezone: str, findings: list[Finding]) -> Segment:
    """One entry of `segments:`. Without a condition, only a signed cookie or the profile puts visitors into it."""
    name = entry.key
    if _FORM.fullmatch(name.text):
        help = "begin it with a word other than not, any, none, starts with or contains; no commas or brackets"
        findings.append(Finding("R304", f'a segment cannot be called "{name.text}"', name.place, help))
    if is_nothing(entry.value):
        return Segment(name.text, NOBODY, "", timezone, name.place)
    found = fields(entry.value, "segment", SEGMENT, findings)
    description = found.node("description")
    condition = read_when(found, names.at(timezone), findings) if found.keys() & {"when", "unless"} else NOBODY
    text = description.text if isinstance(description, Scalar) else ""
    return Segment(name.text, condition, text, timezone, name.place)


def read_when(found: Part, names: Names, findings: list[Finding]) -> Condition:
    """`when` and not `unless`, of a segment or a rule."""
    parts: list[Condition] = []
    if when := found.node("when"):
        parts.append(read_condition(when, names.words, findings, '"when"'))
    if unless := found.node("unless"):
        parts.append(NoneOf((read_condition(unless, names.words, findings, '"unless"'),)))
    return all_of(parts)


def typed_condition(text: str, names: Names, findings: list[Finding]) -> Condition:
    """A condition while it is typed: the lines after `when:` alone, parsed as in a rule file. Without lines it holds
    for everybody."""
    if not text.strip():
        return EVERYBODY
    root = read_yaml("when", text, findings)
    return EVERYBODY if root is None else read_condition(root, names.words, findings, "a condition")


def circles(segments: Sequence[Segment]) -> list[Finding]:
    """R203 for segments that depend on themselves, directly or through others."""
    findings: list[Finding] = []
    by_name = {segment.name.casefold(): segment for segment in segments}
    asked = {name: set(segments_asked(segment.condition)) & by_name.keys() for name, segment in by_name.items()}
    while circle := _circle(asked):
        first = by_name[circle[0]]
        path = " → ".join(by_name[name].name for name in circle)
        what, help = f'the segment "{first.name}" asks for itself', "take one of them out of the other's condition"
        findings.append(Finding("R203", what, first.place, help, f"the circle is {path}"))
        asked[circle[0]] = set()
    return findings


def segments_asked(condition: Condition) -> Iterator[str]:
    """The segments in a condition, by their names casefolded."""
    if not isinstance(condition, Fact):
        for part in condition.parts:
            yield from segments_asked(part)
    elif condition.attribute == "segment" and isinstance(condition.test, (OneOf, NotOneOf)):
        yield from condition.test.values


def _circle(asked: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(asked).prepare()
    except CycleError as error:
        # graphlib lists a circle from each to the one that is asked by it: turn it round, to read "asks for".
        circle: list[str] = list(reversed(error.args[1]))
        return circle
    return []


EVERYONE = "everyone"
MAX_STAGES = 100


def read_stage(entry: Entry, names: Names, timezone: str, findings: list[Finding]) -> Segment:
    """One entry of `journey:`: its name, and `everyone` or what must hold."""
    name = entry.key
    value = entry.value
    condition: Condition = EVERYBODY
    if isinstance(value, Scalar) and value.text != EVERYONE and value.text.casefold() in OTHERS:
        instead = Suggestion(f"write: {EVERYONE}", value.text, EVERYONE)
        findings.append(Finding("R104", f'the stage "{name.text}" cannot be "{value.text}"', value.place, instead))
    elif isinstance(value, MapNode) and (
        of_segments := [each.key for each in value.entries if each.key.text == "when"]
    ):
        help = f"write what must hold right below {name.text}, without this line"
        findings.append(Finding("R104", 'a stage has no "when"', of_segments[0].place, help))
    elif value != Scalar(EVERYONE, value.place):
        condition = read_condition(value, names.at(timezone).words, findings, f'the stage "{name.text}"')
    return Segment(name.text, condition, "", timezone, name.place)


def one_journey(files: Iterable[Sequence[Entry]]) -> list[Finding]:
    """R201 for a second journey in the folder, Y003 for one that is too long."""
    findings = []
    journeys = [entries for entries in files if entries]
    for entries in journeys[1:]:
        first = journeys[0][0].key.place
        note = f"the other one is in {first.file} on line {first.line}"
        what, help = "the folder has two journeys", "put all stages into one of them"
        findings.append(Finding("R201", what, entries[0].key.place, help, note))
    for entries in journeys:
        if len(entries) > MAX_STAGES:
            what = f"there are more than {MAX_STAGES} stages"
            findings.append(Finding("Y003", what, entries[MAX_STAGES].key.place, "remove those that are over"))
    return findings


def stages_in_circles(stages: Sequence[Segment], segments: Sequence[Segment]) -> list[Finding]:
    """R203 for stages whose condition depends on the stage, directly or through a segment."""
    by_name = {segment.name.casefold(): segment.condition for segment in segments}
    asking = [stage for stage in stages if _asks_for_stage(stage.condition, dict(by_name))]
    help = "ask for what visitors did instead"
    return [Finding("R203", f'the stage "{stage.name}" asks for the stage', stage.place, help) for stage in asking]


def _asks_for_stage(condition: Condition, segments: dict[str, Condition]) -> bool:
    if any(fact.attribute == JOURNEY for fact in facts_of(condition)):
        return True
    asked = [segments.pop(name) for name in segments_asked(condition) if name in segments]
    return any(_asks_for_stage(inner, segments) for inner in asked)
