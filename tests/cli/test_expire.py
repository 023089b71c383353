"""Forgetting what is old, from the command line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird
from proxy.model import Arrival, Event
from tests.cli.desk import done


@pytest.mark.parametrize(("days", "gone"), [("400", 1), ("30", 2), ("500", 0)])
def test_what_came_too_long_ago_is_forgotten(days: str, gone: int, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/s.db"

    came = [
        Arrival("anna", Event(moment, f"web:{moment}", "page viewed", "/"), received_at=moment)
        for moment in (time.time() - ago * 86_400 for ago in (450, 100, 1))
    ]
    done(url, lambda at: at.store.apply(came))
    told = CliRunner().invoke(tailorbird, ["expire", "--days", days, "--store", url])
    assert told.output == f"{gone} events and 0 page views older than {days} days forgotten\n"
