"""The differences between two publications in meaning: rules that were added, removed or changed. Comments and the
order of keys and files are no difference."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from math import isfinite
from zoneinfo import ZoneInfo

from proxy.bucketing import percent
from proxy.drafts.merchandise import merchandise
from proxy.model import AllOf, Cap, Condition, Draw, Experiment, Fact, NoneOf, Place, Rule, Segment
from proxy.page.piece import Piece
from proxy.page.product_row import ProductRow
from proxy.rulebook.compile import Publication
from proxy.rulebook.rules import priority_text

OTHER = "shows something else"
COUNTED_ON = "is counted on: results add up what came before and after; a new name begins anew"
_WRAPPER = re.compile(
    rb'<link rel="stylesheet" href="/_tb/[^"]*">|'
    rb' data-tb-rule="[^"]*" data-tb-variant="[^"]*"(?: class="[^"]*")?'
)
# Said in words of their own, or no part of what a rule means: a changed order shows in who sees something different.
_NOT_LISTED = {"name", "priority", "condition", "variant", "order", "place", "timezone", "live_from", "live_until"}


class Kind(StrEnum):
    """Whether something was added, removed or changed, as the sign it is listed with."""

    ADDED = "+"
    REMOVED = "-"
    CHANGED = "~"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs. `name` is the rule's, or `segment VIP`, `slot home.hero`; `what` says it in a line;
    `place` is where it stands, in the draft if it is there."""

    kind: Kind
    name: str
    what: str
    place: Place


def changes(live: Publication, draft: Publication, now: float) -> tuple[Change, ...]:
    """Everything that differs, rules first, in the order of the draft; what was removed last. `now` in Unix seconds
    tells what is over already."""
    return (*_rules(live, draft, now), *_segments(live, draft), *_slots(live, draft))


def contents(publication: Publication, variant: str) -> tuple[object, ...]:
    """What a variant shows, for comparison: its looks, and what a row of products asks of the catalogue; how it
    arranges a list; () for the page's own."""
    if variant not in publication.fragments:
        arrangement = publication.arrangements.get(variant)
        return () if arrangement is None else (arrangement,)
    return (*_look(publication, variant), publication.asks.get(variant))


def _look(publication: Publication, variant: str) -> tuple[object, ...]:
    """Its bytes and fields without the wrapper's rule and stylesheet, and how a product is drawn; () for a list, and
    for the page's own."""
    fragment = publication.fragments.get(variant)
    if fragment is None:
        return ()
    parts = tuple(_WRAPPER.sub(b"", part.plain) if isinstance(part, Piece) else part for part in fragment.parts)
    return (*parts, fragment.renderer.template if isinstance(fragment, ProductRow) else "")


# -- rules


def _rules(live: Publication, draft: Publication, now: float) -> Iterator[Change]:
    before = {rule.name: rule for rule in live.rules}
    after = {rule.name: rule for rule in draft.rules}
    renamed = _renamed(before, after, live, draft)
    for name, rule in after.items():
        if old := renamed.get(name):
            what = f'was called "{old}": what it brings, and how often it is shown, is counted anew'
            yield Change(Kind.CHANGED, name, what, rule.place)
        elif name not in before:
            yield Change(Kind.ADDED, name, f"new in {rule.slot}{_begins(rule, now)}", rule.place)
        else:
            old_rule, shows_other = before[name], _shown(before[name], live) != _shown(rule, draft)
            moved = list(_differences(merchandise(old_rule, live), merchandise(rule, draft)))
            looks_other = shows_other and (not moved or _looks(old_rule, live) != _looks(rule, draft))
            for what in (*_differences(_aspects(old_rule), _aspects(rule)), *moved, *([OTHER] if looks_other else ())):
                yield Change(Kind.CHANGED, name, what, rule.place)
            if _is_compared(old_rule, now) and (shows_other or _groups(old_rule) != _groups(rule)):
                yield Change(Kind.CHANGED, name, COUNTED_ON, rule.place)
    for name, rule in before.items():
        if name not in after and name not in renamed.values():
            ended = f" (ended {moment(rule.live_until, rule.timezone)[:10]})" if rule.live_until <= now else ""
            yield Change(Kind.REMOVED, name, f"removed{ended}" if ended else f"removed from {rule.slot}", rule.place)


def _is_compared(rule: Rule, now: float) -> bool:
    """Whether results compare what it shows now with something."""
    return bool(rule.experiment or rule.holdout) and rule.live_from <= now < rule.live_until


def _groups(rule: Rule) -> tuple[object, ...]:
    """Its groups of visitors, with their shares."""
    arms = rule.experiment.arms if rule.experiment else ()
    return rule.holdout, *((arm.name, arm.share) for arm in arms)


def _renamed(
    before: Mapping[str, Rule], after: Mapping[str, Rule], live: Publication, draft: Publication
) -> dict[str, str]:
    """The old name of each rule that is gone under it and otherwise the same, by the new one."""
    gone: dict[object, list[Rule]] = {}
    for rule in (rule for name, rule in before.items() if name not in after):
        gone.setdefault(tuple(_aspects(rule).items()), []).append(rule)
    renamed: dict[str, str] = {}
    for rule in (rule for name, rule in after.items() if name not in before and gone):
        same = gone.get(tuple(_aspects(rule).items()), [])
        if same and _shown(same[0], live) == _shown(rule, draft):
            renamed[rule.name] = same.pop(0).name
    return renamed


def _shown(rule: Rule, publication: Publication) -> dict[str, tuple[object, ...]]:
    """What a rule shows, by the names of its arms if it is an experiment."""
    return {arm: contents(publication, variant) for arm, variant in _variants(rule).items()}


def _looks(rule: Rule, publication: Publication) -> dict[str, tuple[object, ...]]:
    """The same without the products, and how they are arranged."""
    return {arm: _look(publication, variant) for arm, variant in _variants(rule).items()}


def _variants(rule: Rule) -> dict[str, str]:
    return {"": rule.variant} | {arm.name: arm.variant for arm in (rule.experiment.arms if rule.experiment else ())}


def _begins(rule: Rule, now: float) -> str:
    return f", from {moment(rule.live_from, rule.timezone)}" if now < rule.live_from < float("inf") else ""


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for aspect in dict.fromkeys([*before, *after]):
        old, new = before.get(aspect, ""), after.get(aspect, "")
        if old != new:
            yield f"{aspect}: {old or 'anything'}  →  {new or 'anything'}"


def _aspects(rule: Rule) -> dict[str, str]:
    """What a rule says, word by word; a missing word is ""."""
    said = {
        field.name.replace("_", " "): _value_text(getattr(rule, field.name))
        for field in fields(rule)
        if field.name not in _NOT_LISTED
    }
    said["priority"] = priority_text(rule.priority)
    said["from"] = moment(rule.live_from, rule.timezone)
    said["until"] = moment(rule.live_until, rule.timezone)
    return said | _asked(rule.condition)


def _value_text(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():  # a share, in buckets
            return percent(value) if value else ""
        case tuple():
            return ", ".join(map(_value_text, value))
        case Cap() | Draw():
            return value.text
        case Experiment(arms):
            return ", ".join(f"{arm.name} {percent(arm.share)}" for arm in arms)
    return str(value) if value is not None else ""


def _asked(condition: Condition) -> dict[str, str]:
    """The lines of a condition by what they ask about."""
    lines: dict[str, str] = {}
    for part in condition.parts if isinstance(condition, AllOf) else (condition,):
        asked, _, value = in_words(part).partition(": ")
        lines[asked] = f"{lines[asked]}; {value}" if asked in lines else value
    return lines


def in_words(condition: Condition) -> str:
    """A condition on one line, as `country: NL, BE` or `any of: (visitor: new, device: phone)`."""
    if isinstance(condition, Fact):
        return condition.text or condition.attribute
    word = "all of" if isinstance(condition, AllOf) else "none of" if isinstance(condition, NoneOf) else "any of"
    return f"{word}: ({', '.join(map(in_words, condition.parts))})"


def moment(at: float, timezone: str) -> str:
    """A time as editors write it; "" for never or always."""
    return datetime.fromtimestamp(at, ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M") if isfinite(at) else ""


# -- segments and slots


def _segments(live: Publication, draft: Publication) -> Iterator[Change]:
    before = {segment.name: segment for segment in live.segments}
    after = {segment.name: segment for segment in draft.segments}
    for name, segment in after.items():
        if name not in before:
            yield Change(Kind.ADDED, f"segment {name}", "new", segment.place)
            continue
        for what in _differences(_membership(before[name]), _membership(segment)):
            yield Change(Kind.CHANGED, f"segment {name}", what, segment.place)
    for name, segment in before.items():
        if name not in after:
            yield Change(Kind.REMOVED, f"segment {name}", "removed", segment.place)


def _membership(segment: Segment) -> dict[str, str]:
    return _asked(segment.condition) | {"timezone": segment.timezone}


def _slots(live: Publication, draft: Publication) -> Iterator[Change]:
    before = {slot.name: slot for slot in live.declared}
    after = {slot.name: slot for slot in draft.declared}
    for name in dict.fromkeys([*after, *before]):
        if before.get(name) != after.get(name):
            kind = Kind.ADDED if name not in before else Kind.REMOVED if name not in after else Kind.CHANGED
            what = {Kind.ADDED: "declared", Kind.REMOVED: "no longer declared", Kind.CHANGED: "declared otherwise"}
            yield Change(kind, f"slot {name}", what[kind], Place("slots.yaml", 1, 1, 2))
