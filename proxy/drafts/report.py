"""The report of a draft for `tailorbird plan` and the studio: what changes in meaning, who would see something
different, and whether it may be published. `as_text` is for people; as JSON it is for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, inf

from proxy.diagnostics import Finding, many
from proxy.drafts.changes import Change, Kind, changes, moment
from proxy.drafts.replay import Replay, SlotReplay, replay
from proxy.model import View
from proxy.rulebook.compile import Publication

NAME_WIDTH = 36
MOST_SHIFTS = 3
MOST_CHANGES = 200
BAR = 8
MOST_MISSING = 6


@dataclass(frozen=True, slots=True)
class Checks:
    """The results of `check` and `test` for the draft. `faults` are texts, of the first failed tests."""

    findings: tuple[Finding, ...]
    passed: int
    failed: int
    faults: tuple[str, ...] = ()

    @property
    def may_publish(self) -> bool:
        """Whether nothing stands against it."""
        return not self.failed and all(finding.is_warning for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a draft would change. `live` and `draft` are the names of the two; `new_slots` have rules in the draft but
    are in no recorded view; `starts_at` is when the first new or changed rule begins, if none has begun. `is_live`: the
    draft is live already. `makes_way` are those that would be shown where their row has products, else the next rule.
    """

    live: str
    draft: str
    changes: tuple[Change, ...]
    replay: Replay
    checks: Checks
    new_slots: tuple[str, ...]
    starts_at: str
    is_live: bool = False
    makes_way: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the studio shows of a draft: the report, whether it may be published, and whether publishing only asks for
    approval. `compared` stands for the two that were compared, the draft and what is live. A draft with mistakes is not
    compared: `findings` are its mistakes and warnings."""

    text: str
    may_publish: bool = False
    must_be_approved: bool = False
    compared: str = ""
    findings: tuple[Finding, ...] = ()


def prospect(
    views: Sequence[View],
    live: Publication,
    draft: Publication,
    checks: Checks,
    now: float,
    *,
    names: tuple[str, str],
    is_live: bool = False,
) -> Prospect:
    """The draft beside what is live, at `now` (Unix seconds). `names` are what the two are called."""
    seen = {slot for view in views for slot in view.shown}
    fresh = {rule.slot for rule in draft.rules} - {rule.slot for rule in live.rules} - seen
    found = changes(live, draft, now)
    replayed = replay(views, live, draft)
    shown = {shift.after for slot in replayed.slots for shift in slot.shifts}
    makes_way = tuple(sorted(name for name in shown if name in draft.asks and draft.asks[name].may_be_empty))
    starts_at = _starts_at(found, draft, now)
    return Prospect(*names, found, replayed, checks, tuple(sorted(fresh)), starts_at, is_live, makes_way)


def _starts_at(found: Iterable[Change], draft: Publication, now: float) -> str:
    """When the first rule that is new or changed begins; "" when something is different at once."""
    rules = {rule.name: rule for rule in draft.rules}
    touched = [rules.get(change.name) if change.kind is not Kind.REMOVED else None for change in found]
    first = min((rule for rule in touched if rule), key=lambda rule: rule.live_from, default=None)
    if first is None or None in touched or not now < first.live_from < inf:
        return ""
    return moment(first.live_from, first.timezone)


# -- as text


def as_text(told: Prospect) -> str:
    """The prospect as the command line prints it."""
    return "\n".join([*_changes(told), *_who(told.replay), *_notes(told), *_end(told)])


def _changes(told: Prospect) -> Iterator[str]:
    yield (
        f"{told.live} → {told.draft}".ljust(50) + f"replayed {many(told.replay.views, 'page view')}{_span(told.replay)}"
    )
    yield from changes_text(told.changes[:MOST_CHANGES])
    if len(told.changes) > MOST_CHANGES:
        yield f"  and {len(told.changes) - MOST_CHANGES:,} more: `tailorbird diff` tells all"


def changes_text(found: Sequence[Change]) -> Iterator[str]:
    """The changes, a line each; a name that several share is said once."""
    name = None
    for change in found:
        sign, shown = (change.kind, change.name) if change.name != name else (" ", "")
        yield f"  {sign} {shown:<{NAME_WIDTH}}  {change.what}"
        name = change.name
    if not found:
        yield "  the rules mean the same"


def _who(replayed: Replay) -> Iterator[str]:
    if not replayed.views:
        return
    shifted = [slot for slot in replayed.slots if slot.different]
    if not shifted:
        yield "Nobody sees something different" + (" for sure" if replayed.unsure else "")
        return
    yield "Who sees something different"
    width = max(len(slot.slot) for slot in shifted)
    for slot in shifted:
        share = slot.different / slot.views
        bar = "▇" * ceil(share * BAR)
        head = f"  {slot.slot:<{width}}  {_percent(share):>6}  {bar} {many(slot.different, 'view')}"
        yield f"{head}    {_shifts(slot)}"


def _shifts(slot: SlotReplay) -> str:
    named = [
        f"{shift.before} → {shift.after if shift.after != shift.before else f'{shift.after}, with new content'}"
        f" {shift.views:,}"
        for shift in slot.shifts[:MOST_SHIFTS]
    ]
    rest = sum(shift.views for shift in slot.shifts[MOST_SHIFTS:])
    return ",  ".join([*named, *([f"other {rest:,}"] if rest else [])])


def _notes(told: Prospect) -> Iterator[str]:
    if told.replay.unsure:
        yield f"Unsure: {many(told.replay.unsure, 'page view')}, of which the recording does not tell enough"
    for slot in told.replay.slots:
        if slot.unsure:
            yield f"  {slot.slot}  {many(slot.unsure, 'view')}    {_not_recorded(slot)}"
    if told.makes_way:
        named = ", ".join(f'"{name}"' for name in told.makes_way[:MOST_SHIFTS])
        more = f" and {len(told.makes_way) - MOST_SHIFTS} more" if len(told.makes_way) > MOST_SHIFTS else ""
        yield f"Rows are taken to have products; with too few, the next rule is shown instead of {named}{more}"
    for name in told.new_slots:
        yield f"No recorded view has the slot {name}, so nobody can tell who would see something in it"
    if not told.replay.views:
        yield "No page view is recorded yet, so nobody can tell who would see something different"


def _not_recorded(slot: SlotReplay) -> str:
    left = len(slot.not_recorded) - MOST_MISSING
    return f"not recorded: {', '.join(slot.not_recorded[:MOST_MISSING])}" + (f" and {left} more" if left > 0 else "")


def _end(told: Prospect) -> Iterator[str]:
    yield f"Checks: {checks_text(told.checks)}"
    yield from faults_of(told.checks)
    if told.checks.may_publish and told.starts_at and not told.is_live:
        yield f"Nothing of it starts before {told.starts_at}"


def checks_text(checks: Checks) -> str:
    """As `0 errors, 1 warning (L6 autumn.rules.yaml:63), 3 tests passed`. None is not told: not all were looked for,
    if publishing is refused."""
    errors = [finding for finding in checks.findings if not finding.is_warning]
    warnings = [finding for finding in checks.findings if finding.is_warning]
    said = [_counted(errors, "error"), *([_counted(warnings, "warning")] if warnings else [])]
    said.append(f"{many(checks.passed, 'test')} passed")
    if checks.failed:
        said.append(f"{checks.failed} failed")
    return ", ".join(said)


def faults_of(checks: Checks) -> Iterator[str]:
    """Which tests failed, and how, in lines."""
    yield from (f"  FAIL  {fault}" for fault in checks.faults)
    left = checks.failed - len(checks.faults)
    if checks.faults and left:
        yield f"        and {left} more, which `tailorbird test` tells"


def _counted(findings: Sequence[Finding], word: str) -> str:
    named = ", ".join(f"{finding.code} {finding.place}" for finding in findings[:3])
    more = ", …" if len(findings) > 3 else ""
    return many(len(findings), word) + (f" ({named}{more})" if findings else "")


def replay_text(replayed: Replay, name: str) -> str:
    """What `tailorbird replay` prints: the views that `name` shows something else in than was recorded."""
    differ = many(replayed.different, "view")
    head = f"{many(replayed.views, 'page view')} replayed by {name}: {differ} shown something else"
    lines = [head + (f", {replayed.unsure:,} unsure" if replayed.unsure else "")]
    for slot in replayed.slots:
        if slot.shifts:
            lines.append(f"  {slot.slot}  {many(slot.different, 'view')}    {_shifts(slot)}")
        if slot.unsure:
            lines.append(f"  {slot.slot}  {slot.unsure:,} unsure    {_not_recorded(slot)}")
    return "\n".join(lines)


def _percent(share: float) -> str:
    """Never 0 % of something, nor 100 % of nearly all."""
    tenths = min(max(round(share * 1_000), 1), 1_000 if share == 1 else 999)
    return "100 %" if tenths == 1_000 else f"{tenths / 10:.1f} %"


def _span(replayed: Replay) -> str:
    if not replayed.views:
        return ""
    hours = (replayed.until - replayed.since) / 3_600
    if hours < 1:
        return f" of {max(1, ceil(hours * 60))} min"
    return f" of {ceil(hours)} h" if hours <= 48 else f" of {ceil(hours / 24)} days"
