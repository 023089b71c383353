"""`tailorbird schema`, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from proxy.cli import tailorbird

RULES = Path(__file__).parents[2] / "rules"


def test_the_schema_knows_the_folders_names_when_one_is_given() -> None:
    result = CliRunner().invoke(tailorbird, ["schema", str(RULES)], catch_exceptions=False)
    slots = json.loads(result.output)["$defs"]["rule"]["properties"]["slot"]["enum"]
    assert "home.hero" in slots


def test_without_a_folder_any_slot_will_do() -> None:
    result = CliRunner().invoke(tailorbird, ["schema"], catch_exceptions=False)
    assert "enum" not in json.loads(result.output)["$defs"]["rule"]["properties"]["slot"]


def test_there_is_one_of_cache_yaml() -> None:
    result = CliRunner().invoke(tailorbird, ["schema", "--of", "cache"], catch_exceptions=False)
    assert "drop set-cookie" in json.loads(result.output)["$defs"]["page"]["properties"]
