"""The list of rules on the studio's first page. A folder may have thousands of rules, so it is shown in pages, and
searched on the server."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from math import inf
from operator import attrgetter

import msgspec

from proxy.conditions.values import folded
from proxy.decide.conjunctions import facts_of
from proxy.decide.rule_facts import moment
from proxy.model import Rule
from proxy.rulebook.pauses import Pause, What
from proxy.rulebook.rules import priority_text

PER_PAGE = 100
SOON_SECONDS = 7 * 86_400
NEXT: Mapping[str, Callable[[Rule], float]] = {"waiting": attrgetter("live_from"), "until": attrgetter("live_until")}
"""What rules are sorted by, by the first word that is looked for."""
WRITABLE = re.compile(r"[^\W_][\w. -]*\.rules\.yaml|(banners|cards)/[^\W_][\w. -]*\.html|(slots|attributes)\.yaml")
"""The files that the studio can open and write. Those of operators and programs (`cache.yaml`, JSON, the catalogue) it
cannot."""


class RuleView(msgspec.Struct, frozen=True):
    """A rule in the list. `state` is live, waiting, over or paused, and `when` that changes by itself, as
    `from 30 Nov 08:00`; `switch` is what its button does, pause or resume.
    While more than this rule is paused, it has no button, and `switch` is "". `where` is its `line` of its `file`,
    which is "" when the studio cannot open it."""

    name: str
    slot: str
    priority: str
    state: str
    shown: int
    where: str
    switch: str
    file: str
    line: int
    when: str = ""


class Listed(msgspec.Struct, frozen=True):
    """Which part of the list a page shows: of `total` rules, those `found` by the words `find`, on `pages` pages, of
    which this is `page`, from 1; 0 means all on one. `before` is how many stand on earlier pages. Of all rules,
    `beginning` and `ending` are how many begin and end by themselves within `SOON_SECONDS`."""

    find: str
    found: int
    total: int
    page: int
    pages: int
    before: int
    beginning: int = 0
    ending: int = 0


def rule_view(rule: Rule, now: float, shown: int, pauses: Collection[Pause] = ()) -> RuleView:
    """The rule, with its state at `now`; `pauses` are all pauses."""
    switch = "resume" if Pause(What.RULE, rule.name) in pauses else "" if rule.paused else "pause"
    place, priority = rule.place, priority_text(rule.priority)
    own = {Pause(What.RULE, rule.name), Pause(What.SLOT, rule.slot), Pause(What.EVERYTHING)}
    state = _state(rule, now) if own.isdisjoint(pauses) else "paused"  # paused just now, it is not loaded so yet
    told = priority, state, shown, str(place), switch, opened(place.file), place.line, _when(rule, now)
    return RuleView(rule.name, rule.slot, *told)


def _when(rule: Rule, now: float) -> str:
    if now < rule.live_from < inf:
        return f"from {moment(rule.live_from, rule.timezone)}"
    return f"until {_end(rule)}" if now < rule.live_until < inf else ""


def _end(rule: Rule) -> str:
    """The moment; of a midnight it is the day before that people mean."""
    end = moment(rule.live_until, rule.timezone)
    is_midnight = end.endswith(" 00:00")
    return f"the end of {moment(rule.live_until - 1, rule.timezone, '%b')}" if is_midnight else end


def opened(file: str) -> str:
    """The file's name if the studio can open it, else ""."""
    return file if WRITABLE.fullmatch(file) else ""


def rules_on_page(rules: Sequence[Rule], find: str, page: int, now: float) -> tuple[Sequence[Rule], Listed]:
    """The rules whose name, slot, state, dates, conditions and place have all words of `find`: those on this page, the
    last page if there are fewer, or all on page 0. Among those that wait, or that end by themselves, the next one is
    the first."""
    words = folded(find).split()
    found = [rule for rule in rules if _has(rule, words, now)] if words else rules
    if words and words[0] in NEXT:
        found = sorted(found, key=NEXT[words[0]])
    pages = max(1, -(-len(found) // PER_PAGE))
    page = min(page, pages)
    before = PER_PAGE * max(0, page - 1)
    soon = now + SOON_SECONDS
    begin = sum(_state(rule, now) == "waiting" and rule.live_from <= soon for rule in rules)
    end = sum(_state(rule, now) == "live" and rule.live_until <= soon for rule in rules)
    listed = Listed(find.strip(), len(found), len(rules), page, pages, before, begin, end)
    return found[before : before + PER_PAGE] if page else found, listed


def page_of(place: int) -> int:
    """The page of the whole list on which the rule at this place, from 1, stands."""
    return (place - 1) // PER_PAGE + 1


def _has(rule: Rule, words: Sequence[str], now: float) -> bool:
    asked = " ".join(fact.text for fact in facts_of(rule.condition))
    text = folded(f"{rule.name} {rule.slot} {_state(rule, now)} {_when(rule, now)} {rule.place} {asked}")
    return all(word in text for word in words)


def _state(rule: Rule, now: float) -> str:
    schedule = "waiting" if now < rule.live_from else "over" if now >= rule.live_until else "live"
    return "paused" if rule.paused else schedule
