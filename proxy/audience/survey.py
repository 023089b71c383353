"""The results of a survey of segments: their sizes, the drivers of each, and the size of a condition typed by an
editor."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.audience.drivers import Driver
from proxy.audience.segments import Overlap, Size
from proxy.diagnostics import Finding


@dataclass(frozen=True, slots=True)
class SurveyedSegment:
    """A segment: its size, its place in the rule files (`where`), and the features that set its members apart."""

    size: Size
    description: str
    where: str
    drivers: tuple[Driver, ...]


@dataclass(frozen=True, slots=True)
class SegmentSurvey:
    """All segments of a publication. `sampled` of all `visitors` were evaluated."""

    visitors: int
    sampled: int
    segments: tuple[SurveyedSegment, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    stages: tuple[Size, ...] = ()


@dataclass(frozen=True, slots=True)
class ConditionSize:
    """How many visitors a condition holds for, with findings; only `problems` if it cannot be read."""

    size: Size | None
    visitors: int
    sampled: int
    problems: tuple[Finding, ...] = ()
