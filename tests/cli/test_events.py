from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import tailorbird
from proxy.model import Arrival, Event, Item
from proxy.ports import Refused
from proxy.stores.sqlite import SqliteStore
from tests.cli.desk import done
from tests.contracts.test_profile_store import overwrite

NOON = 1_795_435_200.0
ORDER = {"type": "track", "event": "Order Completed", "userId": "anna", "properties": {"order_id": "1", "revenue": 9}}
KEYS = "site:public:pk_1"
SERVER = "site:server:6f3a9c0012ab34cd56ef"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with two events that were not taken, and one that was."""
    url = f"sqlite:{tmp_path}/store.db"
    not_taken = [
        Refused(NOON, "site", "server-only", json.dumps(ORDER).encode(), "anna"),
        Refused(NOON + 1, "site", "type", b'{"type": "dance"}', "anna"),
    ]
    taken = Arrival("ben", Event(NOON, "site:1", "page viewed", "/"), "site", NOON)
    done(url, lambda at: at.store.refuse(not_taken), lambda at: at.store.apply([taken]))
    return url


def run(url: str, *arguments: str, keys: str = KEYS) -> Result:
    secret = {"TAILORBIRD_SECRET": "a-secret-for-tests-long-enough", "TAILORBIRD_WRITE_KEYS": keys}
    result = CliRunner().invoke(tailorbird, ["events", *arguments, "--store", url], env=secret)
    assert result.exit_code == 0, result.output
    return result


def test_what_was_not_taken_is_listed_with_its_reason(url: str) -> None:
    first, second = run(url, "rejected").output.splitlines()
    assert first.startswith("2026-11-23T12:00:00Z  server-only")
    assert "Order Completed" in first
    assert "dance" in second
    listed = [json.loads(line) for line in run(url, "rejected", "--format", "json").output.splitlines()]
    assert [one["reason"] for one in listed] == ["server-only", "type"]
    assert json.loads(listed[0]["payload"]) == ORDER


def test_what_may_be_taken_now_is_taken_and_leaves_the_list(url: str) -> None:
    assert run(url, "replay").output == "2 judged again: 1 server-only, 1 type\n"
    assert run(url, "replay", keys=SERVER).output == "2 judged again: 1 taken, 1 type\n"
    assert run(url, "replay", "--reason", "server-only", keys=SERVER).output.startswith("0 judged again")
    profile = done(url, lambda at: at.store.get_profile("anna"))
    assert [event.id for event in profile.history] == ["order completed:1"]


def test_many_are_taken_and_leave_the_list_together(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [Refused(NOON + n, "site", "again", json.dumps({**ORDER, "userId": f"c{n}"}).encode()) for n in range(7)]
    done(url, lambda at: at.store.refuse(many))
    sizes: list[int] = []
    forget = SqliteStore.forget_refused

    async def forget_refused(store: SqliteStore, refused: Sequence[Refused]) -> None:
        sizes.append(len(refused))
        await forget(store, refused)

    monkeypatch.setattr(SqliteStore, "forget_refused", forget_refused)
    monkeypatch.setattr("proxy.cli.events.AT_ONCE", 4)
    assert run(url, "replay", "--reason", "again", keys=SERVER).output == "7 judged again: 7 taken\n"
    assert sizes == [4, 3]
    assert run(url, "replay", "--reason", "again", keys=SERVER).output.startswith("0 judged again")


def test_of_a_source_that_is_gone_nothing_is_taken(url: str) -> None:
    assert "2 no-source" in run(url, "replay", keys="other:public:x").output


def test_profiles_are_made_again(url: str) -> None:
    assert run(url, "rebuild").output.startswith("0 profiles")
    asyncio.run(overwrite(url, "ben", b"damaged"))
    assert run(url, "rebuild").output.startswith("1 profiles")
    profile = done(url, lambda at: at.store.get_profile("ben"))
    assert [event.id for event in profile.history] == ["site:1"]


@pytest.mark.parametrize("command", ["rejected", "replay", "rebuild"])
def test_a_store_that_is_not_there_is_reported(tmp_path: Path, command: str) -> None:
    result = CliRunner().invoke(tailorbird, ["events", command, "--store", f"sqlite:{tmp_path}/typo.db"])
    assert (result.exit_code, "there is no store" in result.output) == (1, True)
    assert not list(tmp_path.iterdir())


def test_that_nothing_was_refused_is_said(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/s.db"
    done(url, lambda at: at.store.put_profiles([]))
    result = run(url, "rejected", "--format", "json")
    assert (result.stdout, result.stderr) == ("", "no event was refused\n")


def test_all_events_are_listed_for_a_warehouse(url: str) -> None:
    details: dict[str, str | float | bool] = {
        "slot hero": "Bar / new",
        "held out all.top": "Sale",
        "campaign": "x",
    }
    items = (Item("SKU-1", "shoes", "Northwind", 9.5, 2.0),)
    more = [
        Arrival("anna", Event(NOON + 5, "page:1", "page viewed", "/", shown=("Bar",)), "page", NOON, details=details),
        Arrival("anna", Event(NOON + 9, "order completed:7", "order completed", "", items, 19.0), "shop", NOON),
    ]
    done(url, lambda at: at.store.apply(more))
    lines = [json.loads(line) for line in run(url, "list").output.splitlines()]
    assert {(line["visitor"], line["id"]) for line in lines} == {
        ("ben", "site:1"), ("anna", "page:1"), ("anna", "order completed:7"),
    }  # fmt: skip
    view, order = (next(line for line in lines if line["id"] == id) for id in ("page:1", "order completed:7"))
    assert view == {
        "visitor": "anna", "device": "anna", "happened_at": "2026-11-23T12:00:05.000Z", "id": "page:1",
        "kind": "page viewed", "subject": "/", "value": 0.0, "items": [], "source": "page",
        "details": {"campaign": "x"},
        "choices": [
            {"slot": "all.top", "rule": "Sale", "part": "held out"}, {"slot": "hero", "rule": "Bar", "part": "new"},
        ],
    }  # fmt: skip
    assert order["value"] == 19.0 and order["choices"] == []
    assert order["items"] == [
        {"product": "SKU-1", "category": "shoes", "brand": "Northwind", "price": 9.5, "quantity": 2.0}
    ]


def test_events_are_listed_by_kind_and_time(url: str) -> None:
    assert run(url, "list", "--kind", "order completed").output == ""
    assert run(url, "list", "--since", "2026-11-23T12:01").output == run(url, "list", "--until", "2026-11-23").output
    assert run(url, "list", "--kind", "page viewed", "--since", "2026-11-23").output.count("\n") == 1
    result = CliRunner().invoke(tailorbird, ["events", "list", "--store", url, "--kind", "order complete"])
    assert result.exit_code == 2 and 'did you mean "order completed"?' in result.output
