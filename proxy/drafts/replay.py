"""Decides recorded page views again: what a draft would show instead of what is live, and in how many views.

It uses the same `decide` as pages do, with the moment and the visitor of the view. A view that lacks an attribute that
one of the two needs is counted as unsure, never guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from proxy.decide.engine import decide
from proxy.drafts.changes import contents
from proxy.drafts.doubt import Doubts
from proxy.model import Decision, View, shown_name
from proxy.page.slots import INTERNAL
from proxy.rulebook.compile import Publication

PAGE_DEFAULT = "page default"


@dataclass(frozen=True, slots=True)
class Shift:
    """What a slot showed before and would show after, and in how many views."""

    before: str
    after: str
    views: int


@dataclass(frozen=True, slots=True)
class SlotReplay:
    """One slot over all views: how many had it; how many show something different, from what to what, the most frequent
    first; and how many cannot be decided because something was `not_recorded`."""

    slot: str
    views: int
    different: int
    unsure: int
    shifts: tuple[Shift, ...]
    not_recorded: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """The result of a replay. `since` and `until` are the times of the first and last view (0: none); `slots` are those
    in which anything differs or is unsure; `different` and `unsure` count views."""

    views: int
    since: float
    until: float
    different: int
    unsure: int
    slots: tuple[SlotReplay, ...]


def replay(views: Sequence[View], live: Publication, draft: Publication) -> Replay:
    """Every view decided by both."""
    return _replay(views, _Comparing(live, draft).outcomes)


def replay_recorded(views: Sequence[View], publication: Publication) -> Replay:
    """Every view decided by the publication, beside what it showed when it was recorded."""
    return _replay(views, _Recalling(publication).outcomes)


@dataclass(frozen=True, slots=True)
class _Outcome:
    slot: str
    shift: tuple[str, str] | None = None
    not_recorded: frozenset[str] = frozenset()


def _replay(views: Sequence[View], outcomes_of: Callable[[View], Iterator[_Outcome]]) -> Replay:
    tallies: dict[str, _Tally] = {}
    different = unsure = 0
    for view in views:
        outcomes = list(outcomes_of(view))
        different += any(outcome.shift for outcome in outcomes)
        unsure += any(outcome.not_recorded for outcome in outcomes)
        for outcome in outcomes:
            tallies.setdefault(outcome.slot, _Tally()).add(outcome)
    ends = (min(view.at for view in views), max(view.at for view in views)) if views else (0.0, 0.0)
    told = (tally.result(slot) for slot, tally in sorted(tallies.items()) if tally.shifts or tally.unsure)
    return Replay(len(views), *ends, different, unsure, tuple(told))


class _Tally:
    """What is counted of one slot."""

    def __init__(self) -> None:
        self.views = self.unsure = 0
        self.shifts = Counter[tuple[str, str]]()
        self.not_recorded: set[str] = set()

    def add(self, outcome: _Outcome) -> None:
        self.views += 1
        self.unsure += bool(outcome.not_recorded)
        self.not_recorded |= outcome.not_recorded
        if outcome.shift:
            self.shifts[outcome.shift] += 1

    def result(self, slot: str) -> SlotReplay:
        ordered = sorted(self.shifts.items(), key=lambda shift: (-shift[1], shift[0]))
        shifts = tuple(Shift(*names, views) for names, views in ordered)
        return SlotReplay(slot, self.views, self.shifts.total(), self.unsure, shifts, tuple(sorted(self.not_recorded)))


class _Comparing:
    def __init__(self, live: Publication, draft: Publication) -> None:
        self._live, self._draft = live, draft
        self._doubts = (Doubts(live.plan), Doubts(draft.plan))
        self._contents: dict[tuple[str, str], bool] = {}

    def outcomes(self, view: View) -> Iterator[_Outcome]:
        slots, context = tuple(view.shown), view.context
        before = decide(self._live.plan, context, slots)
        after = decide(self._draft.plan, context, slots)
        old_doubts, new_doubts = (doubts.about(view) for doubts in self._doubts)
        for slot in slots:
            doubt = old_doubts.get(slot, frozenset()) | new_doubts.get(slot, frozenset())
            if doubt or self._is_same(before[slot], after[slot]):
                yield _Outcome(slot, not_recorded=doubt)
            else:
                yield _Outcome(slot, (_label(before[slot]), _label(after[slot])))

    def _is_same(self, before: Decision, after: Decision) -> bool:
        """Whether a visitor sees the same, whatever rule says so."""
        variants = (before.variant, after.variant)
        if variants not in self._contents:
            old, new = contents(self._live, before.variant), contents(self._draft, after.variant)
            self._contents[variants] = old == new
        return self._contents[variants]


class _Recalling:
    def __init__(self, publication: Publication) -> None:
        self._plan = publication.plan
        self._doubts = Doubts(publication.plan)

    def outcomes(self, view: View) -> Iterator[_Outcome]:
        recorded = {slot: shown for slot, shown in view.shown.items() if not slot.startswith(INTERNAL)}
        now = decide(self._plan, view.context, tuple(recorded))
        again = {slot: shown_name(decision) for slot, decision in now.items()}
        doubts = {} if again == recorded else self._doubts.about(view)
        for slot, shown in recorded.items():
            if again[slot] == shown or slot in doubts:
                yield _Outcome(slot, not_recorded=doubts.get(slot, frozenset()))
            else:
                yield _Outcome(slot, (shown or PAGE_DEFAULT, again[slot] or PAGE_DEFAULT))


def _label(decision: Decision) -> str:
    return shown_name(decision) if decision.variant else PAGE_DEFAULT
