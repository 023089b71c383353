"""An import points down, never sideways and never up. `docs/layers.md` says the same with what each package is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PROXY = Path(__file__).parent.parent / "proxy"

ROWS: dict[int, set[str]] = {
    9: {"cli", "demo", "__main__"},
    8: {"wiring", "doctor"},
    7: {"serve", "studio"},
    6: {"upstream", "visitors"},
    5: {"http", "stores", "bus", "cases", "drafts", "outbox", "processes", "stories"},
    4: {"personalise", "rulebook", "events"},
    3: {"decide", "audience", "catalogue", "page", "httpcache"},
    2: {"conditions", "bucketing", "breaker"},
    1: {
        "model",
        "ports",
        "errors",
        "diagnostics",
        "terminal",
        "setting_row",
        "site_settings",
        "settings",
        "environment",
        "metric_rows",
        "metrics",
        "memo",
        "garbage",
        "turns",
        "ending",
    },
}
ROW_OF = {package: row for row, packages in ROWS.items() for package in packages}
# Row 1 is one family, read top to bottom: nouns, then what speaks of them.
ROW_1_ORDER = [
    "model",
    "errors",
    "diagnostics",
    "terminal",
    "setting_row",
    "site_settings",
    "settings",
    "environment",
    "ports",
    "metric_rows",
    "metrics",
    "memo",
    "garbage",
    "turns",
    "ending",
]
# Calculations never do IO and never read a clock: rows 4 and down may not import these, but for what ends tasks.
IO_MODULES = {"asyncio", "socket", "sqlite3", "httpx", "redis", "uvicorn", "starlette", "time", "random"}
NO_CALCULATION = {"ending"}


def package_of(path: Path) -> str:
    return path.relative_to(PROXY).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: write the import in full"
            names |= {f"{node.module}.{alias.name}" if node.module == "proxy" else node.module for alias in node.names}
    return names


FILES = sorted(path for path in PROXY.rglob("*.py") if path != PROXY / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PROXY)))
def test_imports_point_down(path: Path) -> None:
    own = package_of(path)
    assert own in ROW_OF, f"{own} has no row: give it one here and in docs/layers.md"
    for name in imports_of(path):
        if not name.startswith("proxy."):
            continue
        other = name.split(".")[1]
        if other == own:
            continue
        if ROW_OF[own] == ROW_OF[other] == 1:
            assert ROW_1_ORDER.index(other) < ROW_1_ORDER.index(own), f"{own} may not import {other}"
            continue
        if own == "__main__" or {own, other} == {"cli", "demo"}:
            continue
        assert ROW_OF[other] < ROW_OF[own], f"{own} (row {ROW_OF[own]}) may not import {other} (row {ROW_OF[other]})"


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if ROW_OF.get(package_of(path), 10) <= 4 and package_of(path) not in NO_CALCULATION],
    ids=lambda path: str(path.relative_to(PROXY)),
)
def test_calculations_do_no_io(path: Path) -> None:
    used = {name.split(".")[0] for name in imports_of(path)}
    assert not used & IO_MODULES, f"{path} is a calculation: pass the time, the chance or the bytes in"


def test_two_levels_and_no_junk_drawers() -> None:
    for path in FILES:
        parts = path.relative_to(PROXY).parts
        assert len(parts) <= 2, f"{path}: two levels, never three"
        assert not {"utils", "common", "core", "helpers", "managers"} & {part.removesuffix(".py") for part in parts}
