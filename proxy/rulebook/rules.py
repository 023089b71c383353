"""Reads one rule or experiment: who, where, when, how often. What it shows is read in `show.py`. An experiment becomes
a rule with arms, each of which shows something of its own, or nothing new."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from proxy.audience.results import GOALS
from proxy.bucketing import BUCKETS
from proxy.conditions.derived import MARK
from proxy.conditions.localtime import CLOCK_ATTRIBUTES
from proxy.conditions.nodes import Entry, MapNode, Node, as_list
from proxy.conditions.phrase import Kind
from proxy.diagnostics import Finding, did_you_mean, nearest
from proxy.model import LONGEST_SUBJECT, Arm, Cap, Experiment, Place, Rule
from proxy.page.slots import LISTING
from proxy.rulebook.limits import Shared, read_stops
from proxy.rulebook.names import Names, twice
from proxy.rulebook.scalars import read_choice, read_choices, unfit
from proxy.rulebook.segments import read_when
from proxy.rulebook.shares import Draws, read_draws, read_share, too_much
from proxy.rulebook.times import read_run, read_schedule
from proxy.rulebook.words import (
    CHANNELS,
    EXPERIMENT,
    GUARDRAILS,
    LISTING_EXPERIMENT,
    LISTING_RULE,
    LISTING_VARIANT,
    RULE,
    VARIANT,
    Part,
    Word,
    fields,
)

VISITOR = "visitor"
_MOVING = frozenset({VISITOR, *CLOCK_ATTRIBUTES})
"""What nobody is split by: it changes from page to page."""
PRIORITIES = {"high": 80, "normal": 50, "low": 20}


def priority_text(priority: int) -> str:
    """The word for a priority, or its number."""
    return next((word for word, number in PRIORITIES.items() if number == priority), str(priority))


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what rules and experiments have in common, in a folder with these names, limits and groups."""

    names: Names
    limits: Shared
    groups: Draws
    _dated: dict[str, Names] = field(default_factory=dict)

    def placed(self, found: Part, node: Node, order: int, timezone: str, findings: list[Finding]) -> Rule:
        """The rule's conditions, slot, schedule, limits and shares. `order` is its position in the folder."""
        name, place = named(found, node, findings)
        slot, layer = found.text("slot", findings), found.text("layer", findings)
        live_from, live_until = read_schedule(found, timezone, "rule", findings)
        return Rule(
            name=name,
            slot=self.names.slot(slot, findings) if slot else "",
            condition=read_when(found, self._names_at(timezone), findings),
            priority=_priority(found, findings),
            order=order,
            live_from=live_from,
            live_until=live_until,
            timezone=timezone,
            needs_verified=read_choice(found.node("needs"), "needs", ["verified"], findings) is not None,
            place=place,
            caps=self._caps(found, name, timezone, findings),
            draws=(*read_draws(found, name, timezone, findings), *self.groups.get(name, ())),
            holdout=read_share(found.node("holdout"), "holdout", findings) or 0,
            layer=layer.text if layer else "",
            also_on=read_choices(found.node("also on"), "also on", CHANNELS, findings),
        )

    def _names_at(self, timezone: str) -> Names:
        if timezone not in self._dated:
            self._dated[timezone] = self.names.at(timezone)
        return self._dated[timezone]

    def _caps(self, found: Part, name: str, timezone: str, findings: list[Finding]) -> tuple[Cap, ...]:
        limits = self.limits.read(found.node("limit"), name, timezone, findings)
        stops = read_stops(found["stop after"].value, name, findings) if "stop after" in found else ()
        return (*limits, *stops)


def read_rule(
    node: Node, order: int, reader: Reader, timezone: str, findings: list[Finding]
) -> tuple[Rule, Entry | None]:
    """The rule, without its fragment's name yet, and its `show`."""
    found = fields(node, "rule", RULE, findings)
    return reader.placed(found, node, order, timezone, findings), found.get("show")


def is_listing(node: Node) -> bool:
    """True for a rule or experiment that arranges a list."""
    return isinstance(node, MapNode) and any(entry.key.text == "listing" for entry in node.entries)


def read_listing_rule(
    node: Node, order: int, reader: Reader, timezone: str, findings: list[Finding]
) -> tuple[Rule, Part]:
    """The rule, whose slot is the list, and its lines by key."""
    found = fields(node, "listing rule", LISTING_RULE, findings)
    rule = reader.placed(found, node, order, timezone, findings)
    return replace(rule, slot=_listing(found, reader, findings), variant=rule.name), found


def _listing(found: Part, reader: Reader, findings: list[Finding]) -> str:
    """The slot that a list is."""
    name = found.text("listing", findings)
    return LISTING + (reader.names.listing(name, findings) if name else "")


def named(found: Part, node: Node, findings: list[Finding]) -> tuple[str, Place]:
    """The name of a rule, an experiment or a variant, and its place."""
    written = found.text("name", findings)
    if written and len(written.text) > LONGEST_SUBJECT:
        findings.append(unfit("name", written, f"write at most {LONGEST_SUBJECT} letters: limits and results go by it"))
    return (written.text, written.place) if written else ("", node.place)


def _priority(found: Part, findings: list[Finding]) -> int:
    written = found.text("priority", findings)
    if written is None:
        return PRIORITIES["normal"]
    if written.text in PRIORITIES:
        return PRIORITIES[written.text]
    if re.fullmatch(r"\d{1,2}|100", written.text, re.ASCII):
        return int(written.text)
    close = nearest(written.text, PRIORITIES)
    help = did_you_mean(written.text, [close]) if close else "write high, normal, low or a number from 0 to 100"
    findings.append(unfit("priority", written, help))
    return PRIORITIES["normal"]


def read_experiment(
    node: Node, order: int, reader: Reader, timezone: str, findings: list[Finding]
) -> tuple[Rule, list[Part]]:
    """The experiment as a rule, whose arms name nothing to show yet, and the lines of each arm."""
    is_of_list = is_listing(node)
    noun, words = ("listing experiment", LISTING_EXPERIMENT) if is_of_list else ("experiment", EXPERIMENT)
    found = fields(node, noun, words, findings)
    rule = reader.placed(found, node, order, timezone, findings)
    arms, lines = _variants(found, LISTING_VARIANT if is_of_list else VARIANT, findings)
    experiment = Experiment(
        arms,
        split_by=_split_by(found, reader.names, findings),
        goal=read_choice(found.node("goal"), "goal", GOALS, findings) or "",
        guardrails=read_choices(found.node("guardrails"), "guardrails", GUARDRAILS, findings),
        min_days=run.days if (run := read_run(found, [])) else 0,
    )
    slot = _listing(found, reader, findings) if is_of_list else rule.slot
    return replace(rule, slot=slot, experiment=experiment), lines


def _variants(found: Part, words: Sequence[Word], findings: list[Finding]) -> tuple[tuple[Arm, ...], list[Part]]:
    table = as_list(found.node("variants"), '"variants"', findings)
    if table is None:
        return (), []
    if not table.items:
        findings.append(Finding("R104", '"variants" is empty', table.place, "write two or more, each with a name"))
    lines = [fields(item, "variant", words, findings) for item in table.items]
    names = [named(line, item, findings) for line, item in zip(lines, table.items, strict=True)]
    findings += twice("variants", [name for name in names if name[0]])
    shares = _shares(lines, findings)
    findings += too_much(sum(shares), found["variants"].key)
    arms = tuple(Arm(name, share) for (name, _), share in zip(names, shares, strict=True))
    return arms, lines


def _shares(lines: Sequence[Part], findings: list[Finding]) -> list[int]:
    """The shares in buckets; where no variant has one, all alike."""
    if not any("share" in line for line in lines):
        return [BUCKETS // len(lines) + (place < BUCKETS % len(lines)) for place in range(len(lines))]
    for line in lines:
        if line and "share" not in line:
            entry = next(iter(line.values()))
            help = "give each variant a share, or none of them, for equal parts"
            findings.append(Finding("R103", 'this variant has no "share"', entry.key.place, help))
    return [read_share(line.node("share"), "share", findings) or 0 for line in lines]


def _split_by(found: Part, names: Names, findings: list[Finding]) -> str:
    written = found.text("split by", findings)
    if written is None or written.text == VISITOR:
        return ""
    texts = [
        key
        for key, phrase in names.words.items()
        if phrase.kind in (Kind.TEXT, Kind.NAME) and phrase.attribute not in _MOVING and MARK not in phrase.attribute
    ]
    if written.text not in texts:
        findings.append(unfit("split by", written, did_you_mean(written.text, [VISITOR, *texts])))
        return ""
    return names.words[written.text].attribute
