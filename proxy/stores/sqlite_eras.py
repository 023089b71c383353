"""An index of the page views of visitors, in the SQLite file of the profiles, that is written only at one end.

In an index by visitor alone, the views of an hour are spread over the whole index: with 2 million of them, each new one
has half a page written. So the index is divided into eras, of 262,144 places of the log each, and is ordered by visitor
within an era: new entries all go to the last era, which is small. To find a visitor's views, each era since their
checkpoint is searched.

A key is one number: the era, the visitor's number, and the place within the era.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

_PLACE, _CALLED = 18, 28
"""So many bits has a place within an era, and of so many is a visitor called by."""
_ERA = _PLACE + _CALLED
_WITHIN = (1 << _PLACE) - 1
_HEAD = f"(((({{era}}) << {_CALLED}) | (({{number}}) >> {32 - _CALLED})) << {_PLACE})"
_BEGINS = _HEAD.format(era="era", number="{number}")
_FOUND = f"((era << {_PLACE}) | (key & {_WITHIN}))"
SCHEMA = """
CREATE TABLE IF NOT EXISTS noted_at (key INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS noted_eras (era INTEGER PRIMARY KEY);
"""
PLACES = f"""
SELECT {_FOUND} AS place FROM noted_eras CROSS JOIN noted_at
WHERE era >= {{after}} >> {_PLACE} AND key BETWEEN {_BEGINS} AND {_BEGINS} | {_WITHIN} AND {_FOUND} > {{after}}
"""  # noqa: S608  # a constant
"""The places after one where something of whoever has this `number` (of 32 bits) is noted."""


# From one era to the next, past what is in it.
NEW_ERAS = f"""
WITH RECURSIVE one (era) AS (
    SELECT min(key) >> {_ERA} FROM noted_at
    WHERE key >= (SELECT coalesce(max(era), -1) + 1 FROM noted_eras) << {_ERA}
    UNION ALL
    SELECT (SELECT min(key) >> {_ERA} FROM noted_at WHERE key >= (one.era + 1) << {_ERA}) FROM one
    WHERE one.era IS NOT NULL
)
INSERT INTO noted_eras SELECT era FROM one WHERE era IS NOT NULL
"""  # noqa: S608  # a constant


def add(connection: sqlite3.Connection, rows: str, number: str, place: str) -> None:
    """Adds the numbers and places of these rows; none is of an earlier era than the last."""
    era = f"({place}) >> {_PLACE}"
    key = f"{_HEAD.format(era=era, number=number)} | (({place}) & {_WITHIN})"
    connection.execute(f"INSERT OR IGNORE INTO noted_at SELECT {key} FROM {rows} ORDER BY 1")  # noqa: S608
    connection.execute(NEW_ERAS)


def take_out(connection: sqlite3.Connection, number: int, places: Iterable[int]) -> None:
    """Removes these places of visitors with this number."""
    key = f"{_HEAD.format(era=f'value >> {_PLACE}', number='?')} | (value & {_WITHIN})"
    sought = f"DELETE FROM noted_at WHERE key IN (SELECT {key} FROM json_each(?))"  # noqa: S608
    connection.execute(sought, (number, json.dumps(list(places))))
