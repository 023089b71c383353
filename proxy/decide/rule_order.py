"""The order of a plan's bits: each slot's rules, the best one highest, and the slots one above the other.

The highest bit of an integer is found fast. So to go through the rules left for a visitor, take the highest bit; then
either the next lower one, if that rule's guard says no, or the highest of the slots below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from proxy.decide.guard import Guard
from proxy.decide.residual import Residual
from proxy.memo import make_room
from proxy.model import Decision

MOST_PAGES = 10_000  # sets of slots that are remembered: by name, any set may be asked for

# Of thousands of rules, those of one page are seldom in the processor's cache: a rule that asks nothing more is its
# decision alone, and what is taken apart is a plain tuple.

Asking = tuple[Decision, Residual | None, Guard | None, int]
"""A rule that asks more than its bits: what it shows if it wins; what must still be asked of the bits; who then has the
last word; and, for when that says no, how many bits it has, from this one down."""

Contender = Decision | Asking
"""What a bit stands for."""

Page = tuple[int | None, dict[str, Decision]]
"""Some slots: a mask of their bits, None where those are all; and the decision of each when no bit of it is left."""


@dataclass(frozen=True, slots=True, eq=False)
class RuleOrder:
    """The bits of the rules, slot by slot.

    * `contenders`: what each bit stands for, from the lowest; an integer with only that bit is `lowest` bits long.
    * `masks`, `beneath`, `unfilled`: for each slot its bits, all bits below them, and the decision when none of its
      bits is left.
    """

    lowest: int
    contenders: tuple[Contender, ...]
    masks: Mapping[str, int]
    beneath: Mapping[str, int]
    unfilled: Mapping[str, Decision]
    pages: dict[tuple[str, ...], Page] = field(default_factory=dict)
    """A memory only."""

    def page(self, slots: Iterable[str]) -> Page:
        """The mask and the defaults of these slots; remembered, as pages ask for the same slots again."""
        names = tuple(slots)
        known = self.pages.get(names)
        if known is None:
            make_room(self.pages, MOST_PAGES)
            is_all = self.masks.keys() <= set(names)
            mask = sum(self.masks.get(slot, 0) for slot in dict.fromkeys(names))
            unfilled = {slot: self.unfilled.get(slot) or Decision(slot) for slot in names}
            known = self.pages[names] = None if is_all else mask, unfilled
        return known
