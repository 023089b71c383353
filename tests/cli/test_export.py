"""Exporting somebody from the command line."""

from __future__ import annotations

import json

from tests.cli.test_erase import run, url

__all__ = ["url"]  # a fixture


def test_all_that_is_kept_of_somebody_is_told_as_json(url: str) -> None:
    told = json.loads(run("export", "anna", "--store", url).output)
    assert told["ids"] == ["anna"]
    assert [event["subject"] for event in told["events"]] == ["/"]
    assert told["profiles"][0]["id"] == "anna"
