"""Reads shares of visitors: rollouts, ramps, groups and holdouts. A share is in percent, in steps of 0.01 %, which is
one bucket."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import inf

from proxy.bucketing import BUCKETS, GROUP, ROLLOUT, percent
from proxy.conditions.nodes import Entry, Node, Scalar, as_map, as_text, one_or_more
from proxy.diagnostics import Finding, Suggestion, did_you_mean
from proxy.model import Draw, Holdout
from proxy.page.slots import LISTING
from proxy.rulebook.names import Names
from proxy.rulebook.scalars import read_words
from proxy.rulebook.times import read_moment, read_schedule
from proxy.rulebook.words import HOLDOUT, Part, fields

_PERCENT = re.compile(r"(\d{1,3})(?:\.(\d{1,2}))? ?%")
_OTHER_PERCENT = re.compile(
    r"(100|\d{1,2})(?:[.,](\d{1,2}))? ?(?:%|percent|pct|prozent|prosent|procent)?", re.IGNORECASE
)

Draws = Mapping[str, tuple[Draw, ...]]
"""What groups ask of their members, by the members' names."""


def read_share(node: Node | None, what: str, findings: list[Finding]) -> int | None:
    """A share in buckets."""
    written = as_text(node, f'"{what}"', findings)
    found = _PERCENT.fullmatch(written.text) if written else None
    share = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else BUCKETS + 1
    if share <= BUCKETS:
        return share
    if written:
        help = "write a percentage from 0% to 100%, as 5% or 12.34%"
        if part := re.fullmatch(r"0?[.,](\d{1,2})", written.text):  # of one, or of a hundred? nobody can tell
            help = f"write {int(part[1].ljust(2, '0'))}%, or 0.{part[1]}%"
        elif number := _OTHER_PERCENT.fullmatch(written.text):
            instead = f"{number[1]}.{number[2]}%" if number[2] else f"{number[1]}%"
            help = Suggestion(f"write: {instead}", written.text, instead)
        findings.append(Finding("R309", f'"{written.text}" is not a share', written.place, help))
    return None


def read_draws(found: Part, rule: str, timezone: str, findings: list[Finding]) -> tuple[Draw, ...]:
    """A rule's `rollout` or `ramp`."""
    steps: tuple[tuple[float, int], ...] = ()
    if "rollout" in found and "ramp" in found:
        what, help = "this rule has a rollout and a ramp", "keep one of them"
        findings.append(Finding("R104", what, found["ramp"].key.place, help))
    elif "rollout" in found:
        share = read_share(found.node("rollout"), "rollout", findings)
        steps = ((-inf, share),) if share is not None else ()
    elif "ramp" in found:
        steps = _ramp(found.lines("ramp", findings), timezone, findings)
    word = "ramp" if "ramp" in found else "rollout"
    return (Draw(ROLLOUT + rule, steps, text=word),) if steps else ()


def read_groups(entries: Iterable[Entry], members: Iterable[str], findings: list[Finding]) -> Draws:
    """The groups in `groups:`. `members` are the names of all rules and experiments."""
    draws: dict[str, tuple[Draw, ...]] = {}
    known = list(members)
    for entry in entries:
        table = as_map(entry.value, f'"{entry.key.text}"', findings)
        end = 0
        for member in table.entries if table else ():
            if member.key.text not in known:
                findings.append(_no_member(member.key, known))
            low, end = end, end + (read_share(member.value, member.key.text, findings) or 0)
            draw = Draw(GROUP + entry.key.text, ((-inf, end),), low, f"group {entry.key.text}")
            draws[member.key.text] = (*draws.get(member.key.text, ()), draw)
        findings += too_much(end, entry.key)
    return draws


def too_much(total: int, word: Scalar) -> list[Finding]:
    """R204 when shares are more than 100 %."""
    if total <= BUCKETS:
        return []
    what = f'the shares of "{word.text}" add up to {percent(total)}'
    return [Finding("R204", what, word.place, "make them 100 % or less together")]


def read_holdouts(node: Node | None, names: Names, timezone: str, findings: list[Finding]) -> list[Holdout]:
    """The holdouts under a file's `holdout:`, one or a list."""
    return [_holdout(item, names, timezone, findings) for item in one_or_more(node)]


def _holdout(node: Node, names: Names, timezone: str, findings: list[Finding]) -> Holdout:
    found = fields(node, "holdout", HOLDOUT, findings)
    name = found.text("name", findings)
    slots = read_words(found.node("slots"), "slots", findings)
    live_from, live_until = read_schedule(found, timezone, "holdout", findings)
    return Holdout(
        name.text if name else "",
        read_share(found.node("share"), "share", findings) or 0,
        frozenset(_held_out(slot, names, findings) for slot in slots),
        live_from,
        live_until,
        name.place if name else node.place,
    )


def _held_out(slot: Scalar, names: Names, findings: list[Finding]) -> str:
    """A slot, or a list, written as tests write it."""
    if not slot.text.startswith(LISTING):
        return names.slot(slot, findings)
    return LISTING + names.listing(Scalar(slot.text.removeprefix(LISTING), slot.place), findings)


def _ramp(lines: Iterable[Entry], timezone: str, findings: list[Finding]) -> tuple[tuple[float, int], ...]:
    steps: list[tuple[float, int]] = []
    for entry in lines:
        at = read_moment(entry.key, timezone, "ramp", findings)
        share = read_share(entry.value, entry.key.text, findings)
        if at is not None and steps and at <= steps[-1][0]:
            help = "put the steps in order of their dates"
            findings.append(Finding("R403", f'"{entry.key.text}" is not after the step before', entry.key.place, help))
        elif at is not None and share is not None:
            steps.append((at, share))
    return tuple(steps)


def _no_member(name: Scalar, known: list[str]) -> Finding:
    help = did_you_mean(name.text, known) if known else "write the rule or experiment first"
    return Finding("R310", f'there is no rule or experiment "{name.text}"', name.place, help)
