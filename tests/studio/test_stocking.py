from __future__ import annotations

import pytest

from proxy.catalogue.hub import Hub
from proxy.errors import RequestError
from proxy.model import Product
from proxy.ports import Told
from proxy.studio.stocking import Left, change, changes_in, stocked

JSON = "application/json; charset=utf-8"


def test_changes_are_taken_and_what_makes_no_sense_is_told() -> None:
    hub = Hub([Product("BUN", "Buns", "/p/BUN", price=1.0)])
    done = change(hub, changes_in(JSON, b'[{"id": "BUN", "availability": "out_of_stock"}, {"id": "X"}]'))
    found = hub.get("BUN")
    assert found and not found.in_stock and found.price == 1.0
    assert (done.changed, done.left_out) == (1, (Left("X", "`title` is missing", done.left_out[0].help),))


def test_one_change_needs_no_list() -> None:
    assert changes_in(JSON, b'{"id": "BUN"}') == [{"id": "BUN"}]


@pytest.mark.parametrize(("kind", "body"), [("text/plain", b"{}"), (JSON, b"{half"), (JSON, b"[1]")])
def test_what_is_no_change_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(RequestError):
        changes_in(kind, body)


def test_nobody_told_means_nothing_changed() -> None:
    assert stocked(Told(frozenset({"a"}), {})).confirmed == 0
