"""One rule, from its lines to a `Rule`: who, where, when, how often. What it shows is read in `show.py`; experiments
share all of it but that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from proxy.conditions.nodes import Entry, ListNode, MapNode, Node, as_text
from proxy.diagnostics import Finding, did_you_mean, nearest
from proxy.model import Cap, Place, Rule
from proxy.page.slots import LISTING
from proxy.rulebook.limits import Shared, read_stops
from proxy.rulebook.names import Names
from proxy.rulebook.scalars import read_choice, unfit
from proxy.rulebook.segments import read_when
from proxy.rulebook.shares import Draws, read_draws, read_share
from proxy.rulebook.times import read_schedule
from proxy.rulebook.words import CHANNELS, LISTING_RULE, RULE, fields

PRIORITIES = {"high": 80, "normal": 50, "low": 20}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what rules and experiments have in common, in a folder that knows these names, limits and groups."""

    names: Names
    limits: Shared
    groups: Draws

    def placed(
        self, found: Mapping[str, Entry], node: Node, order: int, timezone: str, findings: list[Finding]
    ) -> Rule:
        """Who, where, when, how often and with what chance. `order` is its position in the folder."""
        name, place = named(found, node, findings)
        slot = as_text(found["slot"].value, '"slot"', findings) if "slot" in found else None
        live_from, live_until = read_schedule(found, timezone, "rule", findings)
        return Rule(
            name=name,
            slot=self.names.slot(slot, findings) if slot else "",
            condition=read_when(found, self.names.at(timezone), findings),
            priority=_priority(found, findings),
            order=order,
            live_from=live_from,
            live_until=live_until,
            timezone=timezone,
            needs_verified="needs" in found and _is_verified(found["needs"], findings),
            place=place,
            caps=self._caps(found, name, timezone, findings),
            draws=(*read_draws(found, name, timezone, findings), *self.groups.get(name, ())),
            holdout=(read_share(found["holdout"].value, "holdout", findings) or 0) if "holdout" in found else 0,
            layer=_text(found, "layer", findings),
            also_on=_channels(found, findings),
        )

    def _caps(self, found: Mapping[str, Entry], name: str, timezone: str, findings: list[Finding]) -> tuple[Cap, ...]:
        limits = self.limits.read(found["limit"].value, name, timezone, findings) if "limit" in found else ()
        stops = read_stops(found["stop after"].value, name, findings) if "stop after" in found else ()
        return (*limits, *stops)


def read_rule(
    node: Node, order: int, reader: Reader, timezone: str, findings: list[Finding]
) -> tuple[Rule, Entry | None]:
    """The rule and its `show`, which names no fragment yet."""
    found = fields(node, "rule", RULE, findings)
    return reader.placed(found, node, order, timezone, findings), found.get("show")


def is_listing(node: Node) -> bool:
    """True for a rule that arranges a list."""
    return isinstance(node, MapNode) and any(entry.key.text == "listing" for entry in node.entries)


def read_listing_rule(
    node: Node, order: int, reader: Reader, timezone: str, findings: list[Finding]
) -> tuple[Rule, Mapping[str, Entry]]:
    """The rule, whose slot is the list, and its lines by their word."""
    found = fields(node, "listing rule", LISTING_RULE, findings)
    rule = reader.placed(found, node, order, timezone, findings)
    name = as_text(found["listing"].value, '"listing"', findings) if "listing" in found else None
    listing = reader.names.listing(name, findings) if name else ""
    return replace(rule, slot=LISTING + listing, variant=rule.name), found


def named(found: Mapping[str, Entry], node: Node, findings: list[Finding]) -> tuple[str, Place]:
    """The name of a rule, an experiment or a variant, and where it stands."""
    written = as_text(found["name"].value, '"name"', findings) if "name" in found else None
    return (written.text, written.place) if written else ("", node.place)


def _text(found: Mapping[str, Entry], word: str, findings: list[Finding]) -> str:
    written = as_text(found[word].value, f'"{word}"', findings) if word in found else None
    return written.text if written else ""


def _channels(found: Mapping[str, Entry], findings: list[Finding]) -> tuple[str, ...]:
    node = found["also on"].value if "also on" in found else None
    items = node.items if isinstance(node, ListNode) else (node,) if node else ()
    read = [read_choice(item, "also on", CHANNELS, findings) for item in items]
    return tuple(channel for channel in read if channel)


def _priority(found: Mapping[str, Entry], findings: list[Finding]) -> int:
    written = as_text(found["priority"].value, '"priority"', findings) if "priority" in found else None
    if written is None:
        return PRIORITIES["normal"]
    if written.text in PRIORITIES:
        return PRIORITIES[written.text]
    if re.fullmatch(r"\d{1,2}|100", written.text, re.ASCII):
        return int(written.text)
    close = nearest(written.text, PRIORITIES)
    help = "write high, normal, low or a number from 0 to 100"
    help = did_you_mean(written.text, [close]) if close else help
    findings.append(unfit("priority", written, help))
    return PRIORITIES["normal"]


def _is_verified(entry: Entry, findings: list[Finding]) -> bool:
    return read_choice(entry.value, "needs", ["verified"], findings) is not None
