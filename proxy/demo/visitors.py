"""The four people the demo can turn into, as profiles for the store. The shop itself knows nothing of this.

Their ids are fixed, so that a cookie, an import and a test mean the same person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.model import Attributes, Profile


@dataclass(frozen=True, slots=True)
class DemoVisitor:
    """One of the four. `name` is what `/_tb/demo/as/NAME` takes; `says` introduces them on screen."""

    name: str
    id: str
    says: str
    segments: frozenset[str] = frozenset()
    attributes: Attributes = field(default_factory=dict)

    def profile(self, now: float) -> Profile:
        """What a store knows of them."""
        return Profile(self.id, self.attributes, self.segments, now)


VISITORS: tuple[DemoVisitor, ...] = (
    DemoVisitor(
        "anna",
        "aQ3vN8xKc1TfWm6LzR0pYg",
        "VIP: six orders, cooks more than she walks",
        frozenset({"VIP"}),
        {"first name": "Anna", "orders": 6.0, "lifetime spend": 812.0, "favourite category": "home/kitchen"},
    ),
    DemoVisitor(
        "ben",
        "b7HsJ2eUo9XdVq4MiC5tBw",
        "Trail runner: looks at trail shoes every week",
        frozenset({"Trail runners"}),
        {"first name": "Ben", "orders": 2.0, "lifetime spend": 247.0, "favourite category": "shoes/trail"},
    ),
    DemoVisitor(
        "cleo",
        "cE6rZ1nPy8GkSa3OlD7uFh",
        "Left a cart of 64 euros two days ago",
        frozenset({"Cart leavers"}),
        {"first name": "Cleo", "orders": 1.0, "cart total": 64.0, "days since last visit": 2.0},
    ),
    DemoVisitor("dan", "dL4wT9mIb2QjXe5NvK8sRo", "New here", attributes={"first name": "Dan"}),
)

BY_NAME: Mapping[str, DemoVisitor] = {visitor.name: visitor for visitor in VISITORS}


def seeded(now: float) -> tuple[Profile, ...]:
    """The profiles to put into a fresh store."""
    return tuple(visitor.profile(now) for visitor in VISITORS)
