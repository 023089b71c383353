"""Whether the machine is as it should be: what `/readyz` says, and the gauges that alerts are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import zip_longest

import msgspec

from proxy.diagnostics import Finding
from proxy.metrics import Counts
from proxy.rulebook.compile import Publication

DEGRADED, STOPPING = "degraded", "stopping"
RULES, STORE, EVENTS, MEMORY, ORIGIN, WORKERS = CAUSES = ("rules", "store", "events", "memory", "origin", "workers")
"""What may be amiss: labels of `tailorbird_degraded`."""


class Readiness(msgspec.Struct, frozen=True):
    """`state` is ready, degraded or stopping; `reasons` says why, and `causes` has the label of each. `version` is that
    of the rules being served. `workers` is how many processes of this machine are included."""

    state: str
    reasons: list[str]
    version: str
    store_ready: bool
    workers: int
    causes: list[str] = []

    @property
    def is_stopping(self) -> bool:
        """True when no more requests should be sent to this worker."""
        return self.state == STOPPING


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What readiness is read off, of one worker. `publication` is None before the first good folder; `findings` are the
    problems of the folder as it is now, only warnings when it is the version being served."""

    publication: Publication | None
    findings: Sequence[Finding]
    is_stopping: bool
    """True once this worker is about to stop."""
    is_store_ready: bool
    """True when a profile could be read now."""
    does_store_forget: bool
    """True when the store is set to evict data when it is full."""
    is_tight: bool
    """True while memory is short, so that pages do without profiles."""
    is_full: bool
    """True while so much memory is held that no request is begun."""
    why_not_stored: str
    """Why the last events could not be stored; "" when they were."""
    left_alone: Sequence[str]
    """Of each origin that keeps failing, and is asked only now and then, how it failed last."""


def readiness(seen: Observed) -> Readiness:
    """The readiness of one worker."""
    publication = seen.publication
    problems = [finding for finding in seen.findings if not finding.is_warning]
    said: list[tuple[str, str]] = []
    serving = "no rules are being served" if publication is None else "the last good version keeps serving"
    if problems:
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        what = problems[0].what if problems[0].code == "R202" else f"the rules folder has {count}"
        said.append((RULES, f"{what}; {serving}"))
    said += [(ORIGIN, f"{failure}; it is asked only now and then") for failure in seen.left_alone]
    if not seen.is_store_ready:
        said.append((STORE, "profiles cannot be read; pages go on without them"))
    elif seen.does_store_forget:
        said.append(
            (STORE, "the store drops visitors when its memory is full; set its `maxmemory-policy` to noeviction")
        )
    if seen.why_not_stored:
        said.append(
            (EVENTS, f"events cannot be stored, and who sends them is asked to try again: {seen.why_not_stored}")
        )
    if seen.is_full:
        said.append((MEMORY, "memory is used up; only what is stored is answered, all else gets 503"))
    elif seen.is_tight:
        said.append((MEMORY, "memory is nearly used up; pages go on without profiles"))
    state = STOPPING if seen.is_stopping else DEGRADED if said else "ready"
    return _said(state, said, publication.version if publication else "", seen.is_store_ready, 1)


def together(said: Sequence[Readiness], missing: int) -> Readiness:
    """The readiness of a machine's workers together; `missing` is how many did not answer. If one is stopping, all are:
    a signal reaches them one after the other."""
    reasons = {
        reason: cause for each in said for reason, cause in zip_longest(each.reasons, each.causes, fillvalue=WORKERS)
    }
    versions = sorted({each.version for each in said})
    if missing:
        reasons["a worker does not answer" if missing == 1 else f"{missing} workers do not answer"] = WORKERS
    if len(versions) > 1:
        reasons["not all workers have the newest rules yet"] = WORKERS
    return _said(
        STOPPING if any(each.is_stopping for each in said) else DEGRADED if reasons else "ready",
        [(cause, reason) for reason, cause in reasons.items()],
        versions[-1] if versions else "",
        all(each.store_ready for each in said),
        len(said),
    )


def _said(state: str, said: Sequence[tuple[str, str]], version: str, store_ready: bool, workers: int) -> Readiness:
    causes = [cause for cause, _ in said]
    return Readiness(state, [reason for _, reason in said], version, store_ready, workers, causes)


def state_gauges(ready: Readiness, findings: Collection[Finding], publication: Publication | None) -> Counts:
    """The state of the machine as gauges, for alerts: `/readyz` answers 200 while degraded, so that it still gets
    requests."""
    degraded = {("tailorbird_degraded", "cause", cause): int(cause in ready.causes) for cause in CAUSES}
    return Counter(
        {
            **degraded,
            ("tailorbird_workers", "", ""): ready.workers,
            ("tailorbird_rules_info", "version", ready.version): 1,
            ("tailorbird_rules_paused", "", ""): sum(rule.paused for rule in publication.rules) if publication else 0,
            ("tailorbird_rule_problems", "", ""): sum(not finding.is_warning for finding in findings),
            ("tailorbird_build_info", "version", version("tailorbird")): 1,
        }
    )
