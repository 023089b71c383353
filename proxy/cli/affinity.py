"""`tailorbird affinity`: how good recommendations would have been on a shop's own past, compared with simple baselines
(`eval`); what goes with a cart by that past (`ask`); the same learnt from a warehouse's events (`build`)."""

from __future__ import annotations

import gzip
import sys
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import click

from proxy.catalogue.evaluation import CUTS, Case, Trial, evaluate, learn_baskets, learn_visits, published, split
from proxy.catalogue.history_files import HistoryFile, read_history, read_sequences
from proxy.catalogue.walk import Walk, path_text
from proxy.cli.options import Subcommands, as_json, form_option
from proxy.cli.rulefolder import A_FILE
from proxy.errors import OperatorError
from proxy.stores.affinity_engine import build, duckdb_at, load

TRAIN, TEST = "train_sessions.txt", "test_prefix_label.txt"
BAR_WIDTH = 44
PATH = click.argument("path", type=click.Path(exists=True, path_type=Path))


@click.group("affinity", cls=Subcommands)
def command() -> None:
    """Product affinity: evaluate it on past data, query it, build it in batch."""


@command.command("eval")
@PATH
@form_option("how to print the figures")
def eval_(path: Path, form: str) -> None:
    """Print hit rate, reciprocal rank, NDCG and coverage of each strategy, and the time of an answer.

    PATH is a file of baskets, one a line; a table or JSON lines of views or orders; or a folder with train_sessions.txt
    and test_prefix_label.txt. Nothing is tuned to it.
    """
    trial = _trial(path)
    scores = evaluate(trial, time.perf_counter, _progress if sys.stderr.isatty() else lambda name, cases: cases)
    products = trial.products
    figures = {name: score.figures(products) for name, score in scores.items()}
    click.echo(as_json(figures) if form == "json" else _report(path, trial, figures))


@command.command("ask")
@PATH
@click.argument("products", nargs=-1, required=True)
@click.option("--count", default=10, show_default=True, help="how many to show of each strategy")
def ask(path: Path, products: tuple[str, ...], count: int) -> None:
    """Print what would be recommended for a visit or cart of PRODUCTS, and why, learnt from all of PATH."""
    log = _log(path)
    learnt = [group.products for group in log.groups]
    for product in set(products).difference(*learnt):
        click.echo(f"{path}: nobody looked at or bought `{product}`", err=True)
    if log.kind == "baskets":
        baskets = learn_baskets(learnt)
        for strategy, answer in (("bought together", baskets.together), ("for this cart", baskets.for_cart)):
            click.echo(f"{strategy}:")
            for product in answer(products, count):
                found = baskets.support(products, product)
                reason = f"{found.together} of {found.buyers} buyers of {found.product}" if found else "often bought"
                click.echo(f"  {product:<32}  {reason}")
        return
    walk = Walk(learn_visits(learnt, [group.at for group in log.groups]))
    click.echo("for you now:")
    for product in walk.next_products(products, count):
        way = walk.path_to(products, product)
        click.echo(f"  {product:<32}  {path_text(way, product, {}) if way else 'looked at before'}")


@command.command("build")
@click.argument("events", type=A_FILE)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("affinity.parquet"), show_default=True
)
@click.option(
    "--orders",
    type=A_FILE,
    help="a file of orders with the same columns, `session` being the order: also what was bought together",
)
@click.option("--memory", default=4_000, show_default=True, help="most memory to work with  [MiB]")
@click.option("--threads", default=2, show_default=True, help="how many cores to work on")
def build_(events: Path, out: Path, orders: Path | None, memory: int, threads: int) -> None:
    """Build which products are viewed together, in batch, from EVENTS: a Parquet or CSV file with the columns session,
    at (seconds, or a time) and product. Needs the extra `batch`. Later clicks and orders are added as they come."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".affinity-") as scratch:
        connection = duckdb_at(memory * 2**20, threads, Path(scratch))
        load(connection, events)
        if orders:
            load(connection, orders, "orders")
        with click.progressbar(length=100, label="building", file=sys.stderr) as bar:
            for done, parts in build(connection, out, has_orders=bool(orders)):
                bar.update(100 * done // parts - bar.pos)
        (rows,) = connection.execute("SELECT COUNT(DISTINCT product) FROM rows").fetchone()
        connection.close()
    if not rows:
        out.unlink()
        raise OperatorError(f"no two products of `{events}` were looked at in one visit", help="check `session`")
    click.echo(f"{rows:,} products in {out}, built in {time.monotonic() - started:,.0f} s")


def _progress(name: str, cases: Iterable[Case]) -> Iterator[Case]:
    with click.progressbar(cases, label=f"{name:<16}", file=sys.stderr) as bar:
        yield from bar


# -- reading


def _trial(path: Path) -> Trial:
    """Raises `OperatorError` that names the file."""
    try:
        return _published(path) if path.is_dir() else split(_log(path))
    except OperatorError as error:
        if str(path) in str(error.args[0]):
            raise
        raise OperatorError(f"`{path}`: {error.args[0]}", help=error.help) from error


def _published(folder: Path) -> Trial:
    train, test = (_in_folder(folder, name) for name in (TRAIN, TEST))
    trial = published(read_sequences(train), test)
    _tell(train, test)
    if trial.unread:
        what = "1 line has" if trial.unread == 1 else f"{trial.unread:,} lines have"
        what = f"{folder / TEST}: {what} less than two products: left out"
        click.echo(f"{what}\n  = help: write those of the visit so far, then the next", err=True)
    return trial


def _in_folder(folder: Path, name: str) -> TextFile:
    if not (folder / name).is_file():
        help = f"a folder needs {TRAIN} (a visit a line) and {TEST} (the visit so far, then the next); else name a file"
        raise OperatorError(f"there is no `{folder / name}`", help=help)
    return TextFile(folder / name)


def _log(path: Path) -> HistoryFile:
    file = _in_folder(path, TRAIN) if path.is_dir() else TextFile(path)
    try:
        log = read_history(file)
    finally:
        _tell(file)
    if log.unread:
        what = "1 line makes" if log.unread == 1 else f"{log.unread:,} lines, from here on, make"
        what = f"{path}:{log.unread_at}: {what} no sense; left out"
        click.echo(f"{what}\n  = help: each needs a product, and whose or which order it was", err=True)
    return log


def _tell(*files: TextFile) -> None:
    for file in files:
        for note in file.notes:
            click.echo(note, err=True)


# -- printing


def _report(path: Path, trial: Trial, figures: dict[str, dict[str, float]]) -> str:
    left_out = f", {trial.left_out:,} left out whose product was never seen before" if trial.left_out else ""
    lines = [
        f"{path}: {len(trial.learnt):,} {trial.kind} of {trial.products:,} products learnt, "
        f"{len(trial.cases):,} cases predicted{left_out}",
        "",
        f"{'':<16}"
        + "".join(f"  {name + '@' + str(cut):>8}" for cut in CUTS for name in ("HR", "MRR", "NDCG", "cov."))
        + "    median     p99",
    ]
    for name, found in figures.items():
        cells = [found[f"{metric}@{cut}"] for cut in CUTS for metric in ("hr", "mrr", "ndcg", "coverage")]
        times = f"  {found['us_median']:6,.0f} us {found['us_p99']:6,.0f} us"
        lines.append(f"{name:<16}" + "".join(f"  {cell:8.4f}" for cell in cells) + times)
    return "\n".join([*lines, "", *_plot(figures)])


def _plot(figures: dict[str, dict[str, float]]) -> Iterator[str]:
    """Bars of the hit rates, a shade for each cut."""
    most = max(max(found[f"hr@{CUTS[-1]}"] for found in figures.values()), 1e-9)
    yield f"hit rate: {' '.join(f'{shade} among {cut}' for shade, cut in zip('█▓░', CUTS, strict=True))}"
    for name, found in figures.items():
        ends = [round(found[f"hr@{cut}"] / most * BAR_WIDTH) for cut in CUTS]
        bar = "".join(shade * (end - start) for shade, start, end in zip("█▓░", [0, *ends], ends, strict=False))
        yield f"{name:<16}  {bar:<{BAR_WIDTH}}  {found[f'hr@{CUTS[-1]}']:.3f}"


# -- Reads a text file of another system line by line: gzipped or not, UTF-8 or else Latin-1, each line in bounded
# memory. Oddities are reported at the end, with the line where each first occurred; an unreadable file is an
# `OperatorError`.

MAX_LINE_BYTES = 1 << 20


class TextFile:
    """The file at `path`. `notes` are what was odd in it, once it has been read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._foreign: list[int] = []
        self._long: list[int] = []

    def __iter__(self) -> Iterator[str]:
        with self._path.open("rb") as file:
            is_packed = file.peek(2)[:2] == b"\x1f\x8b"
            try:
                yield from self._lines(gzip.GzipFile(fileobj=file) if is_packed else file)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                what = f"`{self._path}` is packed by gzip, and broken: {error}"
                raise OperatorError(what, help="pack it again, or name the file unpacked") from error

    def _lines(self, file: IO[bytes] | gzip.GzipFile) -> Iterator[str]:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if b"\0" in line:
                what = f"`{self._path}` is no text: there is a zero byte on line {number}"
                raise OperatorError(what, help="save a spreadsheet as CSV in UTF-8; Parquet is for `affinity build`")
            if len(line) > MAX_LINE_BYTES:
                self._long.append(number)
                while line and not line.endswith(b"\n"):
                    line = file.readline(MAX_LINE_BYTES)
                continue
            yield self._decoded(line, number)

    def _decoded(self, line: bytes, number: int) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError:
            self._foreign.append(number)
            return line.decode("latin-1")

    @property
    def notes(self) -> Iterator[str]:
        """What was odd, each with its first line and a help."""
        for found, what, help in (
            (self._foreign, "not UTF-8, and read as Latin-1", "save the file as UTF-8"),
            (self._long, f"longer than {MAX_LINE_BYTES:,} bytes, and left out", "write one visit or basket a line"),
        ):
            if found:
                count = "1 line is" if len(found) == 1 else f"{len(found):,} lines, from here on, are"
                yield f"{self._path}:{found[0]}: {count} {what}\n  = help: {help}"
