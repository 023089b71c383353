"""Looking at who is who, and undoing a join, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import tailorbird
from proxy.model import Arrival, Event, View
from proxy.stores.joining import join
from tests.cli.desk import done

NOON = 1_795_435_200.0


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store in which `laptop` is anna's."""
    url, seen = f"sqlite:{tmp_path}/s.db", Arrival("laptop", Event(NOON, "web:1", "page viewed", "/"))
    done(url, lambda at: at.store.apply([seen]), lambda at: join(at.store, "laptop", "anna", NOON))
    return url


def run(*arguments: str) -> Result:
    return CliRunner().invoke(tailorbird, ["identity", *arguments])


def test_devices_and_joins_are_reported(url: str) -> None:
    told = run("show", "laptop", "--store", url)
    assert told.output == "anna: laptop\n  2026-11-23 12:00 UTC  joined laptop\n"


def test_a_join_is_undone_once(url: str) -> None:
    assert run("unmerge", "laptop", "--store", url).output == "`laptop` is a visitor of its own again\n"
    again = run("unmerge", "laptop", "--store", url)
    assert (again.exit_code, again.output) == (1, "`laptop` is nobody's device\n")
    assert "parted laptop" in run("show", "anna", "--store", url).output
    assert run("show", "laptop", "--store", url).output.startswith("laptop: no device\n")


def test_views_of_who_was_one_go_with_the_join(url: str) -> None:
    views = [View(NOON, "v1", {}, visitor=visitor) for visitor in ("laptop", "anna", "ben")]
    done(url, lambda at: at.views.put_views(views, most=10))
    run("unmerge", "laptop", "--store", url)
    assert done(url, lambda at: at.views.get_views(10)) == views[2:]


def test_rules_are_set_checked_and_told(url: str, tmp_path: Path) -> None:
    assert run("rules", "--store", url).output == "of all others the newest word counts\n"
    file = tmp_path / "merge.yaml"
    file.write_text("email: own\npoints: highest\n", encoding="utf-8")
    told = run("rules", str(file), "--store", url)
    assert told.stdout == "email: own\npoints: highest\nof all others the newest word counts\n"
    assert "nobody has told of `points` yet\n0 profiles came out differently\n" in told.stderr
    file.write_text("email: ours\n", encoding="utf-8")
    wrong = run("rules", str(file), "--store", url)
    assert wrong.exit_code == 1 and '"email" cannot be "ours"' in wrong.stderr
    assert "points: highest" in run("rules", "--store", url).output, "what was there still holds"
