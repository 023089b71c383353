"""Results for the studio: as the process that counts them hands them over, as they are kept, and what is shown while
there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from proxy.audience.results import Comparison

FRESH_SECONDS = 60.0
FRESH_TIMES = 10
"""Results are counted again after a minute, and after ten times as long as counting took: a tenth of a core at most."""

Parts = Mapping[str, Mapping[str, Comparison]]
"""By rule, the same comparison of each part of the visitors."""


class PackedResults(msgspec.Struct, frozen=True, array_like=True):
    """What was counted: how many visitors the log had, and what those did who met each rule or holdout; the same once
    more in `parts`, if it was asked for. It is unpacked by whoever tells it: thousands of rules take a fifth of a
    second, and pages wait while they are unpacked at once."""

    visitors: int
    packed: dict[str, msgspec.Raw]
    parts: dict[str, msgspec.Raw]

    @staticmethod
    def of(visitors: int, comparisons: Mapping[str, Comparison], parts: Parts | None = None) -> PackedResults:
        """Packs it."""
        whole, each = (
            {name: msgspec.Raw(msgspec.msgpack.encode(one)) for name, one in of.items()}
            for of in (comparisons, parts or {})
        )
        return PackedResults(visitors, whole, each)

    def parts_of(self, rule: str) -> dict[str, Comparison]:
        """Each part of this rule's visitors; none where parts were not asked for."""
        packed = self.parts.get(rule)
        return msgspec.msgpack.decode(packed, type=dict[str, Comparison]) if packed else {}

    def comparisons(self, rule: str = "") -> dict[str, Comparison]:
        """By the name of their rule or holdout; only that of this rule, "" for all."""
        packed = self.packed.items() if not rule else [(rule, self.packed[rule])] if rule in self.packed else ()
        return {name: msgspec.msgpack.decode(one, type=Comparison) for name, one in packed}


class StoredResults(msgspec.Struct, frozen=True, array_like=True):
    """What was counted for the rules of this `version` and so many `days`, 0 for all, in parts `by` something, "" for
    none; when, and how long it took."""

    version: str
    days: int
    by: str
    at: float
    seconds: float
    results: PackedResults

    def is_fresh(self, now: float) -> bool:
        return self.at <= now < self.at + max(FRESH_SECONDS, FRESH_TIMES * self.seconds)


@dataclass(frozen=True, slots=True)
class ResultsStatus:
    """What the studio shows: the last results, if any; whether they are being counted now; and why counting failed, ""
    if it did not."""

    stored: StoredResults | None
    is_counting: bool
    problem: str = ""
