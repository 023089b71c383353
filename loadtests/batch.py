"""Affinity worked out in batch: generated clicks of a shop, `tailorbird affinity build` within a bound of memory on two
cores, then what serving the rows takes. `--products` and `--clicks` say how large."""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from proxy.catalogue.covisits import Covisits
from proxy.catalogue.walk import Walk
from proxy.stores.affinity_engine import build, built, duckdb_at, load

CLICKS_A_VISIT = 5


def generate(connection: object, file: Path, products: int, clicks: int) -> None:
    """Visits of five clicks that stay near one product, over a hundred days."""
    connection.execute(  # type: ignore[attr-defined]
        f"COPY (SELECT n // {CLICKS_A_VISIT} AS session, n * 8640000.0 / {clicks} AS \"at\", 'SKU-' || CAST("
        f"(hash(n // {CLICKS_A_VISIT}) % {products} + hash(n + 7) % 25) % {products} AS VARCHAR) AS product "
        f"FROM range({clicks}) AS clicks(n)) TO '{file}' (FORMAT parquet)"
    )


def peak_mib() -> float:
    """The most memory this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Generates, builds, serves, and says what each took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--products", type=int, default=1_000_000)
    parser.add_argument("--clicks", type=int, default=50_000_000)
    parser.add_argument("--memory", type=int, default=5_000, help="MiB for the engine")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        connection = duckdb_at(chosen.memory * 2**20, 2, Path(folder) / "scratch")
        file, out = Path(folder) / "clicks.parquet", Path(folder) / "affinity.parquet"
        generate(connection, file, chosen.products, chosen.clicks)
        started = time.monotonic()
        load(connection, file)
        print(
            f"{chosen.clicks:,} clicks of {chosen.products:,} products read in {time.monotonic() - started:,.0f} s",
            flush=True,
        )
        for done, parts in build(connection, out):
            print(f"part {done} of {parts}, {time.monotonic() - started:,.0f} s", flush=True)
        print(f"built in {time.monotonic() - started:,.0f} s, at most {peak_mib():,.0f} MiB", flush=True)
        connection.close()
        table, before = Covisits(), _now_mib()
        for row in built(out):
            table.add_batch(*row)
        print(f"served from {_now_mib() - before:,.0f} MiB more", flush=True)
        walk, started = Walk(table), time.perf_counter()
        for n in range(1_000):
            walk.next_products([f"SKU-{n * 997 % chosen.products}"], 20)
        print(f"an answer about one product never asked before: {(time.perf_counter() - started) * 1000:,.0f} us")


def _now_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main()
