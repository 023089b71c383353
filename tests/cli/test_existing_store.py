"""Looking into a store never makes one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird
from proxy.cli.existing_store import asked, existing_sightings, recorded_views
from proxy.errors import OperatorError
from proxy.model import Profile, Sighting
from proxy.stores import exists, open_sightings
from tests.cli.desk import done


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path}/s.db"


def test_what_is_kept_is_asked_where_it_is(url: str) -> None:
    done(url, lambda at: at.store.put_profiles([Profile("anna")]))
    profile = asked(url, lambda places: places.store.get_profile("anna"))
    assert profile is not None and profile.visitor_id == "anna"
    assert list(asked(url, lambda places: places.views.get_views(1))) == []
    assert asked(url, lambda places: places.outbox.counts()) == {}


@pytest.mark.parametrize(
    "look",
    [
        lambda url: asked(url, lambda places: places.store.refused()),
        lambda url: asyncio.run(recorded_views(url, 10)),
        lambda url: asyncio.run(existing_sightings(url)),
    ],
    ids=["profiles", "views", "sightings"],
)
def test_a_store_that_is_not_there_is_reported_and_not_made(
    url: str, tmp_path: Path, look: Callable[[str], object]
) -> None:
    with pytest.raises(OperatorError, match="there is no store `sqlite:"):
        look(url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [0, 1, 2_500])
def test_sightings_are_read_to_the_last_however_many_there_are(url: str, count: int) -> None:
    async def fill() -> None:
        sightings = open_sightings(url)
        await sightings.put_sightings([Sighting(f"SKU-{n}", 0.0, None) for n in range(count)], most=10_000)
        await sightings.aclose()

    asyncio.run(fill())
    assert len(asyncio.run(existing_sightings(url))) == count


def test_only_a_file_can_be_seen_not_to_be_there(url: str) -> None:
    assert not exists(url)
    assert exists("redis://127.0.0.1:1/0")


def test_a_server_that_is_away_is_reported_with_what_to_look_at() -> None:
    result = CliRunner().invoke(tailorbird, ["export", "anna", "--store", "redis://127.0.0.1:1/0"])
    assert result.exit_code == 1
    assert "the store did not answer" in result.output
    assert "(help: is it up, and is its address right, in --store or TAILORBIRD_STORE?)" in result.output
