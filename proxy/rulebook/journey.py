"""Reads `journey:`: the stages that visitors go through, each with its condition. Of several that match, a visitor is
in the last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from proxy.conditions.nodes import EVERYBODY as OTHERS
from proxy.conditions.nodes import Entry, Scalar
from proxy.conditions.parse import read_condition
from proxy.decide.conjunctions import facts_of
from proxy.decide.plan import JOURNEY
from proxy.diagnostics import Finding, Suggestion
from proxy.model import EVERYBODY, Condition, Segment
from proxy.rulebook.names import Names
from proxy.rulebook.segments import segments_asked

EVERYONE = "everyone"
MAX_STAGES = 100


def read_stage(entry: Entry, names: Names, timezone: str, findings: list[Finding]) -> Segment:
    """One entry of `journey:`: its name, and `everyone` or what must hold."""
    name = entry.key
    value = entry.value
    condition: Condition = EVERYBODY
    if isinstance(value, Scalar) and value.text != EVERYONE and value.text.casefold() in OTHERS:
        help = Suggestion(f"write: {EVERYONE}", value.text, EVERYONE)
        findings.append(Finding("R104", f'the stage "{name.text}" cannot be "{value.text}"', value.place, help))
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
