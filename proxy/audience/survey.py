"""What a survey of segments comes to, as it is told: sizes, what sets each apart, and what somebody types."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.audience.drivers import Driver
from proxy.audience.segments import Overlap, Size
from proxy.diagnostics import Finding


@dataclass(frozen=True, slots=True)
class Group:
    """A segment as the survey tells of it: its size, and what sets its members apart."""

    size: Size
    description: str
    where: str
    apart: tuple[Driver, ...]


@dataclass(frozen=True, slots=True)
class Groups:
    """All segments of a publication. Of `visitors` in all, so many were `looked_at`."""

    visitors: int
    looked_at: int
    segments: tuple[Group, ...] = ()
    overlaps: tuple[Overlap, ...] = ()


@dataclass(frozen=True, slots=True)
class Typed:
    """How many visitors a typed condition holds for, and what is to be known of that; only `problems` when it cannot be
    read."""

    size: Size | None
    visitors: int
    looked_at: int
    problems: tuple[Finding, ...] = ()
