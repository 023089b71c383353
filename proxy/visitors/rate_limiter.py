"""How much each address may send: so much a second on average, and after a pause as much at once as in
`BURST_SECONDS`. Pure."""

from __future__ import annotations

from proxy.memo import make_room

BURST_SECONDS = 40.0
MOST_ADDRESSES = 10_000


class RateLimiter:
    """What was spent lately, by address. With 0 `a_second` everything may be."""

    def __init__(self, a_second: float) -> None:
        self._a_second = a_second
        self._spent: dict[str, tuple[float, float]] = {}

    def spend(self, address: str, amount: float, now: float) -> bool:
        """Whether the address may send so much now; it then counts. What goes beyond has to be paid back by waiting."""
        if not self._a_second:
            return True
        spent, at = self._spent.get(address, (0.0, now))
        spent = max(0.0, spent - max(0.0, now - at) * self._a_second)
        if spent >= self._a_second * BURST_SECONDS:
            return False
        if address not in self._spent:
            make_room(self._spent, MOST_ADDRESSES)
        self._spent[address] = spent + amount, now
        return True
