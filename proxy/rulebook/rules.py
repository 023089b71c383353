"""One rule, from its lines to a `Rule`: who, where, when. What it shows is read in `show.py`."""

from __future__ import annotations

import math
import re

from proxy.conditions.nodes import Entry, Node, as_text
from proxy.diagnostics import Finding, nearest
from proxy.model import Place, Rule
from proxy.rulebook.names import Names
from proxy.rulebook.scalars import read_choice, unfit
from proxy.rulebook.segments import read_when
from proxy.rulebook.times import read_moment
from proxy.rulebook.words import RULE, fields

PRIORITIES = {"high": 80, "normal": 50, "low": 20}


def read_rule(
    node: Node, order: int, names: Names, timezone: str, findings: list[Finding]
) -> tuple[Rule, Entry | None]:
    """The rule and its `show`, which names no fragment yet. `order` is its position in the folder."""
    found = fields(node, "rule", RULE, findings)
    name, place = _named(found, node, findings)
    slot = as_text(found["slot"].value, '"slot"', findings) if "slot" in found else None
    live_from, live_until = _schedule(found, timezone, findings)
    rule = Rule(
        name=name,
        slot=names.slot(slot, findings) if slot else "",
        condition=read_when(found, names, findings),
        priority=_priority(found, findings),
        order=order,
        live_from=live_from,
        live_until=live_until,
        timezone=timezone,
        needs_verified="needs" in found and _is_verified(found["needs"], findings),
        place=place,
    )
    return rule, found.get("show")


def _named(found: dict[str, Entry], node: Node, findings: list[Finding]) -> tuple[str, Place]:
    written = as_text(found["name"].value, '"name"', findings) if "name" in found else None
    return (written.text, written.place) if written else ("", node.place)


def _schedule(found: dict[str, Entry], timezone: str, findings: list[Finding]) -> tuple[float, float]:
    """`from` and `until` in Unix seconds; without end on the side that is not said."""
    start = read_moment(found["from"].value, timezone, "from", findings) if "from" in found else None
    end = read_moment(found["until"].value, timezone, "until", findings) if "until" in found else None
    if start is not None and end is not None and end <= start:
        note = f"it starts on line {found['from'].value.place.line}"
        help = "swap the two dates" if end < start else "give it a later end"
        findings.append(Finding("R401", "this rule ends before it starts", found["until"].value.place, help, note))
    return -math.inf if start is None else start, math.inf if end is None else end


def _priority(found: dict[str, Entry], findings: list[Finding]) -> int:
    written = as_text(found["priority"].value, '"priority"', findings) if "priority" in found else None
    if written is None:
        return PRIORITIES["normal"]
    if written.text in PRIORITIES:
        return PRIORITIES[written.text]
    if re.fullmatch(r"\d{1,2}|100", written.text, re.ASCII):
        return int(written.text)
    close = nearest(written.text, PRIORITIES)
    help = f'did you mean "{close}"?' if close else "write high, normal, low or a number from 0 to 100"
    findings.append(unfit("priority", written, help))
    return PRIORITIES["normal"]


def _is_verified(entry: Entry, findings: list[Finding]) -> bool:
    return read_choice(entry.value, "needs", ["verified"], findings) is not None
