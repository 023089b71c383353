"""Every town is somewhere."""

from __future__ import annotations

from proxy.conditions.derived import TOWNS, place_of, worked_out


def test_every_town_has_coordinates_and_neighbours_are_near() -> None:
    assert all(place_of(place) for place in TOWNS.values())
    assert len(set(TOWNS.values())) == len(TOWNS)
    away = worked_out(f"km from {TOWNS['Amsterdam']}", TOWNS["Haarlem"], 0.0)
    assert isinstance(away, float) and 15 < away < 20
