"""The studio's views say what was shown, and nothing about who saw it."""

from __future__ import annotations

import msgspec
import pytest

from proxy.metrics import Shown
from proxy.model import Decision, Reason
from proxy.studio.views import ShownView, newest, shown_view

NOW = 1_000.0


def test_the_live_list_names_rules_by_slot() -> None:
    banner = Decision("home.hero", "b", Reason.TARGETING_MATCH, "Sale", "rule")
    shown = Shown(NOW, "/", (banner, Decision("all.topbar"), Decision("tailorbird.toolbar", "b", rule="Toolbar")))
    assert msgspec.to_builtins(shown_view(shown)) == {
        "at": NOW,
        "path": "/",
        "slots": {"home.hero": "Sale", "all.topbar": ""},
    }


@pytest.mark.parametrize("most", [2, 150])
def test_the_live_list_of_all_workers_is_as_long_as_that_of_one(most: int) -> None:
    shown = [ShownView(NOW + at, "/", {}) for at in range(200)]
    assert newest(shown, most) == shown[: -most - 1 : -1]
