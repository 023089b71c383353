"""Counters, gauges and the last decisions, in plain memory: what `/metrics` and the admin page print.

Labels never hold visitor ids. One `Metrics` per process, made by `wiring` and handed down: no module global.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

import msgspec

from proxy.model import Decision

HELP = {
    "tailorbird_requests_total": "requests answered, by result: personalised, default, asset, bypass, error",
    "tailorbird_answers_total": "answers to clients, by status: 2xx, 3xx, 4xx, 5xx, 1xx (an upgrade); gone: the client "
    "left before",
    "tailorbird_cache_requests_total": "requests, and parts of pages, by what the cache said",
    "tailorbird_rule_matches_total": "slots filled, by rule",
    "tailorbird_profile_lookups_total": "profile look-ups by outcome: memory, store, unknown, damaged, timeout, "
    "error, open (left alone after failures), busy (too many reads under way), shed (too much to do)",
    "tailorbird_cookies_ignored_total": "times a visitor's cookie was ignored, by why: key (none of those in `secret` "
    "signed it), content (altered, or from the future)",
    "tailorbird_decisions_asked_total": "slots decided without a page, by way: decide, ofrep",
    "tailorbird_page_passthrough_total": "pages sent as they came, by why",
    "tailorbird_pages_not_kept_total": "fetches for everybody whose answer was not kept, by why",
    "tailorbird_parts_total": "parts that pages were put together from, by outcome: ok, failed, late, error (a "
    "fault of ours), left alone (it was late again and again)",
    "tailorbird_decide_errors_total": "rules or fragments that raised and fell back to the default",
    "tailorbird_views_recorded_total": "page views recorded for `plan`, by outcome: kept, lost (the store was away)",
    "tailorbird_joins_total": "devices and persons said to be one, by outcome: done, or why not",
    "tailorbird_events_total": "events by outcome: applied, repeated (came before), bot, unwanted (the visitor said "
    "no), busy (sent back, there was no room), failed (sent back, the store did not take them), lost (noted by pages "
    "while the store was away for long), too much (requests sent back, as their address sends very many)",
    "tailorbird_events_refused_total": "events that were not taken, by reason",
    "tailorbird_segment_changes_total": "segments entered and left, for each webhook that is told",
    "tailorbird_webhook_messages_total": "messages to webhooks by outcome: sent, failed (tried again later), given up",
    "tailorbird_rules_reloads_total": "rule folders read, by outcome: live, refused",
    "tailorbird_cache_purged_total": "stored addresses purged, by kind: hard, soft",
    "tailorbird_origin_errors_total": "failed fetches by reason: refused, certificate, tls, timeout, reset, truncated, "
    "malformed, overload (no turn), share (one address has half), left-alone (after failures), unanswered (a long "
    "poll), closed; 5xx: such answers",
    "tailorbird_clients_refused_total": "requests refused by status, and connections ended: slow, idle (to make room)",
    "tailorbird_shed_total": "what was given up because there was too much to do: profile (a page is shown without "
    "it), request (503)",
    "tailorbird_workers_replaced_total": "workers that were replaced, by why: ended (or was killed), stalled, memory "
    "(it held too much), failed (did not start); not those of a rolling restart",
    "tailorbird_access_log_lost_total": "requests whose line in the access log could not be written",
    "tailorbird_loop_late_total": "times the event loop was late, by how much: over 50 ms, 250 ms, 1000 ms",
}

GAUGES = {
    "tailorbird_clients": "client connections that are open",
    "tailorbird_cache_bytes": "memory that stored answers take, all workers together",
    "tailorbird_cache_limit_bytes": "memory that they may take: `cache_bytes`, less while memory is short",
    "tailorbird_cache_addresses": "addresses of which an answer is stored, once for each worker that has one",
    "tailorbird_memory_bytes": "memory held, all workers together",
    "tailorbird_memory_limit_bytes": "memory that may be held, all workers together; 0: no limit is known",
    "tailorbird_origin_limit": "requests that may be under way to an origin at once, as found out, by origin",
    "tailorbird_origin_requests": "requests that are under way to an origin, by origin",
    "tailorbird_origin_waiting": "requests that wait for their turn with an origin, by origin",
    "tailorbird_workers": "workers of this machine that answer",
    "tailorbird_degraded": "1 while `/readyz` says that something is amiss, by cause: rules, store, events, memory, "
    "origin (it is left alone after failures), workers (one does not answer, or has older rules)",
    "tailorbird_rule_problems": "problems in the rule folder as it is now; with any, what was good last serves",
    "tailorbird_build_info": "always 1; its label is the version that runs",
}
ALWAYS_TOLD = ("tailorbird_decide_errors_total", "tailorbird_access_log_lost_total")
"""Counters without a label: they are 0 before they are counted, or a rise from nothing would be none to Prometheus."""

HISTOGRAMS = {
    "tailorbird_answer_seconds": "how long a client waited until its answer began; from memory: not at all",
    "tailorbird_origin_seconds": "how long an origin took to begin its answer",
}
MOST_UNCOUNTED = 32
"""Pages that are shown are counted together, at the latest when there are so many: for one alone, all that counts has
to come from memory again, which takes three times as long."""
AT_MOST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Counts = Counter[tuple[str, str, str]]
"""By name, label and the label's value; "" for a name that has none."""


class Shown(NamedTuple):
    """One decided page, for the live list: when, which path, and what each slot showed. No visitor id."""

    at: float
    path: str
    decisions: tuple[Decision, ...]


class Tally:
    """A counter object, to which its holder adds directly: for what happens with each request."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Times:
    """A histogram of durations, and their sum."""

    def __init__(self) -> None:
        self._counts = [0] * (len(AT_MOST_SECONDS) + 1)
        self._seconds = 0.0

    def note(self, seconds: float, by: int = 1) -> None:
        """Adds a duration, so many times."""
        self._counts[bisect_left(AT_MOST_SECONDS, seconds)] += by
        self._seconds += seconds * by

    def take(self, name: str) -> Counts:
        """The durations since the last call, as counts by step (not cumulative), and their sum in microseconds."""
        counts = zip((*map(str, AT_MOST_SECONDS), "+Inf"), self._counts, strict=True)
        taken = Counter({(name, "le", step): count for step, count in counts if count})
        if taken:
            taken[name, "sum", ""] = round(self._seconds * 1e6)
            self._counts, self._seconds = [0] * len(self._counts), 0.0
        return taken


class Decided(msgspec.Struct, eq=False, gc=False):
    """What a page's slots show: the decisions, the `rules` that filled some, whether any is not the same for everybody;
    and its counters, once it was counted. Shared by all visitors who are shown the same."""

    decisions: tuple[Decision, ...]
    rules: tuple[str, ...]
    is_personal: bool
    tallies: tuple[Tally, ...] = ()

    @classmethod
    def by(cls, decisions: tuple[Decision, ...]) -> Decided:
        rules = tuple([decision.rule for decision in decisions if decision.rule])
        variants = [decision.variant for decision in decisions]
        return cls(decisions, rules, any(variants))


class Metrics:
    """Counts by name and label value; and the last `live_size` decided pages. `from_memory` counts answers with status
    200 for which nobody waited."""

    def __init__(self, live_size: int = 200) -> None:
        self.live_size = live_size
        self._settled: Counts = Counter()
        self._gauges: dict[tuple[str, str, str], Callable[[], int]] = {}
        self._tallies: dict[tuple[str, str, str], Tally] = {}
        self._answer_times = Times()
        self._times = [("tailorbird_answer_seconds", self._answer_times)]
        self.from_memory = Tally()
        self._personalised = self.tally("tailorbird_requests_total", "result", "personalised")
        self._default = self.tally("tailorbird_requests_total", "result", "default")
        self._matches: dict[str, Tally] = {}
        self._shown: list[tuple[float, bytes, Decided]] = []
        self._tell: Callable[[], None] = lambda: None
        self._live: deque[tuple[float, bytes, Decided]] = deque(maxlen=live_size)

    def count(self, name: str, label: str = "", value: str = "", by: int = 1) -> None:
        """Adds to `name{label="value"}`. `name` must be a row of `HELP`."""
        self._settled[name, label, value] += by

    def answered(self, status: int, seconds: float) -> None:
        """Counts an answer to a client, who waited so long until it began."""
        self._settled["tailorbird_answers_total", "status", f"{status // 100}xx"] += 1
        self._answer_times.note(seconds)

    def gauge(self, name: str, read: Callable[[], int], label: str = "", value: str = "") -> None:
        """Sets the function that reads a gauge. `name` must be a row of `GAUGES`."""
        self._gauges[name, label, value] = read

    def gauges(self) -> Counts:
        """The present values of all gauges."""
        return Counter({key: read() for key, read in self._gauges.items()})

    def tally(self, name: str, label: str, value: str) -> Tally:
        """The counter object for `count` with these arguments."""
        return self._tallies.setdefault((name, label, value), Tally())

    def watch(self, name: str, times: Times) -> None:
        """Publishes these durations under `name`, which must be a row of `HISTOGRAMS`."""
        self._times.append((name, times))

    def flush_before_reading(self, tell: Callable[[], None]) -> None:
        """Has `tell` called before metrics are read, for whoever counts with a delay."""
        self._tell = tell

    def show(self, at: float, path: bytes, decided: Decided) -> None:
        """Lists a decided page (its path in wire form), and counts it, later with others."""
        self.show_all(((at, path, decided),))

    def show_all(self, shown: Iterable[tuple[float, bytes, Decided]]) -> None:
        """The same for several pages."""
        self._shown += shown
        if len(self._shown) >= MOST_UNCOUNTED:
            self._count_shown()

    def _count_shown(self) -> None:
        shown, self._shown = self._shown, []
        self._live += shown
        for _, _, decided in shown:
            for tally in decided.tallies or self._tallies_of(decided):
                tally.count += 1  # one by one: to add up a few in a dict first takes 0.1 us more a page

    def _tallies_of(self, decided: Decided) -> tuple[Tally, ...]:
        result = self._personalised if decided.is_personal else self._default
        decided.tallies = (result, *[self._matches.get(rule) or self._match(rule) for rule in decided.rules])
        return decided.tallies

    def _match(self, rule: str) -> Tally:
        match = self._matches[rule] = self.tally("tailorbird_rule_matches_total", "rule", rule)
        return match

    @property
    def live(self) -> list[Shown]:
        """The last decided pages, the newest last."""
        self._tell()
        self._count_shown()
        live = sorted(self._live, key=itemgetter(0))  # some were told of later
        return [Shown(at, path.decode("utf-8", "replace"), decided.decisions) for at, path, decided in live]

    def get(self, name: str, value: str = "") -> int:
        """The count of `name` whose label has `value`; 0 when never counted."""
        return self.by_value(name).get(value, 0)

    def by_value(self, name: str) -> dict[str, int]:
        """The counts of `name` by their label's value."""
        return {value: count for (key, _, value), count in self.counts().items() if key == name}

    def as_text(self, counts: Counts | None = None, gauges: Counts | None = None) -> str:
        """Prometheus text exposition format 0.0.4, of our own counts and gauges or of those given."""
        counts = self.counts() if counts is None else counts
        gauges = self.gauges() if gauges is None else gauges
        lines = {name: [f"# HELP {name} {help}", f"# TYPE {name} counter"] for name, help in HELP.items()}
        lines |= {name: [f"# HELP {name} {help}", f"# TYPE {name} gauge"] for name, help in GAUGES.items()}
        lines |= {name: list(_histogram(name, counts)) for name in HISTOGRAMS}
        never = {(name, "", ""): 0 for name in ALWAYS_TOLD}
        for (name, label, value), count in sorted((*{**never, **counts}.items(), *gauges.items())):
            if name not in HISTOGRAMS:
                lines[name].append(f'{name}{{{label}="{_escaped(value)}"}} {count}' if label else f"{name} {count}")
        return "\n".join(chain.from_iterable(lines.values())) + "\n"

    def counts(self) -> Counts:
        """All counts."""
        self._tell()
        self._count_shown()
        for key, tally in self._tallies.items():
            if tally.count:
                self._settled[key] += tally.count
                tally.count = 0
        if at_once := self.from_memory.count:
            self._settled["tailorbird_answers_total", "status", "2xx"] += at_once
            self._answer_times.note(0.0, at_once)
            self.from_memory.count = 0
        for name, times in self._times:
            self._settled.update(times.take(name))
        return self._settled


def _histogram(name: str, counts: Counts) -> Iterator[str]:
    yield from (f"# HELP {name} {HISTOGRAMS[name]}", f"# TYPE {name} histogram")
    so_far = 0
    for step in (*map(str, AT_MOST_SECONDS), "+Inf"):
        so_far += counts[name, "le", step]
        yield f'{name}_bucket{{le="{step}"}} {so_far}'
    yield f"{name}_sum {counts[name, 'sum', ''] / 1e6}"
    yield f"{name}_count {so_far}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
