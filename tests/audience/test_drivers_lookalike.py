"""Who is like members."""

from __future__ import annotations

from proxy.audience.drivers import lookalikes
from tests.audience.test_drivers import visitors


def test_visitors_with_traits_typical_of_members_are_lookalikes_with_reasons() -> None:
    all_ = visitors((50, "brand: N|cat: trail"), (1, "brand: N|cat: trail"), (1, "cat: trail"), (200, "cat: hats"))
    found = lookalikes(all_, [True] * 50 + [False] * 202, 5)
    assert [one.visitor for one in found] == [50, 51]
    assert found[0].because == ("brand: N", "cat: trail")
    assert found[0].likeness > found[1].likeness > 0
