"""The rules of `audience/merging.py` in the SQLite file of the profiles: whoever folds an event reads them in the same
transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from proxy.audience.merging import Merge, Rules

SCHEMA = "CREATE TABLE IF NOT EXISTS merge_rules (attribute TEXT PRIMARY KEY, rule TEXT NOT NULL) WITHOUT ROWID;"


def rules(connection: sqlite3.Connection) -> Rules:
    """The rules that hold."""
    return {name: Merge(rule) for name, rule in connection.execute("SELECT attribute, rule FROM merge_rules")}


def put(connection: sqlite3.Connection, rules: Mapping[str, str]) -> None:
    """Replaces the rules."""
    connection.execute("DELETE FROM merge_rules")
    connection.executemany("INSERT INTO merge_rules VALUES (?, ?)", rules.items())
