"""D7: the public order history of CDNow, imported as it is: grades of recency, frequency and money are those that
DuckDB finds by SQL, for every customer, and a second import changes nothing."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from proxy.audience.drivers import fifths
from proxy.audience.traits import STRANGER, TRAIT_MEASURES, trait
from proxy.cli import tailorbird
from proxy.conditions.vocabulary import PHRASES
from proxy.model import Measure, Profile
from proxy.rulebook.scores import GRADED, graded
from proxy.stores import open_store

HISTORY = Path("shared", "data", "cdnow_master.txt")
ABOVE = Path(__file__).parents[3:]
DATA = next((above / HISTORY for above in ABOVE if (above / HISTORY).exists()), HISTORY)
IS_FULL = bool(os.environ.get("BAR_FULL"))
NOW = 899_251_200.0  # 1998-07-01, the day after the last order
COLUMNS = ("--column", "value=dollar_value", "--column", "quantity=number_of_cds")

ORACLE = """
with orders as (
    select column0 as id, strptime(column1, '%Y%m%d') as day, column3::double as paid
    from read_csv(?, delim='\t', header=false, all_varchar=true, names=['column0','column1','column2','column3'])
), of_each as (
    select
        id, date_diff('day', max(day), timestamp '1998-07-01') as recency, count(*) as frequency, sum(paid) as monetary
    from orders group by id
), parts as (
    select {quantiles} from of_each
)
select id,
    1 + (recency <= r[1])::int + (recency <= r[2])::int + (recency <= r[3])::int + (recency <= r[4])::int,
    1 + (frequency >= f[1])::int + (frequency >= f[2])::int + (frequency >= f[3])::int + (frequency >= f[4])::int,
    1 + (monetary >= m[1])::int + (monetary >= m[2])::int + (monetary >= m[3])::int + (monetary >= m[4])::int,
    r, f, m
from of_each, parts
"""
QUANTILES = ", ".join(
    f"quantile_disc({name}, [0.2, 0.4, 0.6, 0.8]) as {name[0]}" for name in ("recency", "frequency", "monetary")
)


@pytest.mark.bar("D7")
@pytest.mark.skipif(not DATA.exists(), reason="the order history is not beside this repository: shared/data")
def test_grades_are_those_of_an_sql_oracle_and_a_second_import_changes_nothing(tmp_path: Path) -> None:
    rows = [line.split() for line in DATA.read_text(encoding="ascii").splitlines()[1:]]
    if not IS_FULL:
        rows = [row for row in rows if int(row[0]) <= 500]
    file, table = tmp_path / "orders.txt", tmp_path / "orders.tsv"
    file.write_text("customer_id date number_of_cds dollar_value\n" + "\n".join(map(" ".join, rows)), encoding="ascii")
    table.write_text("\n".join(map("\t".join, rows)), encoding="ascii")
    url = f"sqlite:{tmp_path}/store.db"
    command = ["import", "orders", str(file), "--store", url, *COLUMNS]
    first, second = (CliRunner().invoke(tailorbird, command) for _ in range(2))
    customers = len({row[0] for row in rows})
    assert (
        first.output == f"{len(rows):,} orders of {customers:,} visitors imported: {len(rows):,} new; 0 rows refused.\n"
    )
    assert second.output == f"{len(rows):,} orders of {customers:,} visitors imported: 0 new; 0 rows refused.\n"

    told = duckdb.execute(ORACLE.format(quantiles=QUANTILES), [str(table)]).fetchall()
    parts = {name: tuple(map(float, values)) for name, values in zip(GRADED, told[0][4:], strict=True)}
    measures = _measures(parts)
    profiles = asyncio.run(_profiles(url, [row[0] for row in told]))
    for name, word in zip(GRADED, ("days since last order", "orders", "lifetime spend"), strict=True):
        values = [trait(profile, word, TRAIT_MEASURES[word], NOW) for profile in profiles.values()]
        assert parts[name] == pytest.approx(fifths([value for value in values if isinstance(value, float)]))
    ours = {id: [trait(profile, name, measures[name], NOW) for name in GRADED] for id, profile in profiles.items()}
    assert ours == {id: [float(r), float(f), float(m)] for id, r, f, m, *_ in told}
    print(f"{len(rows)} orders, {customers} customers: all grades equal; parted at {parts}")


def _measures(parts: dict[str, tuple[float, ...]]) -> dict[str, Measure]:
    words = graded({phrase.key: phrase for phrase in PHRASES}, parts)
    return {name: measure for name in GRADED if (measure := words[name].measure)}


async def _profiles(url: str, ids: list[str]) -> dict[str, Profile]:
    store = open_store(url)
    try:
        return {id: await store.get_profile(id) or STRANGER for id in ids}
    finally:
        await store.aclose()
