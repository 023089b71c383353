"""Tests mirror the tree: every module has its test file, every test file its module. What is to be tried of one module
may be two subjects: `test_kept.py` is about `gateway.py` too."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
PROXY = ROOT / "proxy"
TESTS = ROOT / "tests"

# Folders and files of tests that are not about one module.
NOT_MIRRORED = {"cases", "contracts", "wire", "browser", "fuzz", "loadtests", "bars"}
NOT_ABOUT_A_MODULE = {"test_layers.py", "test_mirror.py", "test_docs.py", "test_editors.py", "test_deploy.py"}
# Modules proven by another file's tests, named so that the list stays short and visible.
PROVEN_ELSEWHERE = {
    "wiring/public_listener.py": "tests/serve/test_handshake.py",
    "ports/bus.py": "interfaces: tests/contracts",
    "ports/lists.py": "interfaces: tests/contracts",
    "ports/stores.py": "interfaces: tests/contracts",
    "ports/upstream.py": "interfaces: tests/contracts",
    "audience/survey.py": "nouns: tests/serve/test_survey.py",
    "stores/joining.py": "tests/contracts",
    "stores/logs.py": "tests/contracts/test_logs.py",
    "stores/redis_streams.py": "tests/contracts and tests/bars/test_d8_erase.py",
    "stores/sqlite.py": "tests/contracts",
    "stores/sqlite_log.py": "tests/contracts",
    "stores/sqlite_changes.py": "tests/contracts/test_changes.py",
    "stores/redis_changes.py": "tests/contracts/test_changes.py",
    "stores/redis.py": "tests/contracts",
    "stores/sqlite_shared.py": "tests/contracts",
    "stores/redis_shared.py": "tests/contracts",
    "stores/redis_log.py": "tests/contracts",
    "stores/redis_remaking.py": "tests/contracts",
    "stores/redis_visitor.py": "tests/contracts",
    "stores/sqlite_tombstones.py": "tests/contracts/test_tombstones.py",
    "stores/redis_tombstones.py": "tests/contracts/test_tombstones.py",
    "stores/redis_connecting.py": "tests/contracts",
    "stores/redis_sentinel.py": "tests/contracts/test_sentinel.py",
    "stores/redis_cluster.py": "tests/contracts, tests/bars/test_d9_cluster.py",
    "stores/outboxes.py": "tests/contracts/test_outbox.py",
    "stores/sqlite_outbox.py": "tests/contracts/test_outbox.py",
    "stores/redis_outbox.py": "tests/contracts/test_outbox.py",
    "stores/redis_pages.py": "tests/contracts",
    "stores/sqlite_side_tables.py": "tests/contracts",
    "bus/local.py": "tests/contracts",
    "bus/machine.py": "tests/contracts",
    "bus/redis.py": "tests/contracts",
    "bus/joined.py": "tests/contracts",
    "bus/listeners.py": "tests/contracts",
}


def test_every_module_has_a_test_file() -> None:
    missing = []
    for path in sorted(PROXY.rglob("*.py")):
        relative = path.relative_to(PROXY)
        if path.name in ("__init__.py", "__main__.py") or str(relative) in PROVEN_ELSEWHERE:
            continue
        if not (TESTS / relative.parent / f"test_{path.name}").exists():
            missing.append(str(relative))
    assert not missing, f"no test file for: {', '.join(missing)}"


def test_every_test_file_has_a_module() -> None:
    orphans = []
    for path in sorted(TESTS.rglob("test_*.py")):
        relative = path.relative_to(TESTS)
        if relative.parts[0] in NOT_MIRRORED or path.name in NOT_ABOUT_A_MODULE:
            continue
        words = path.stem.removeprefix("test_").split("_")
        names = ["_".join(words[:count]) for count in range(1, len(words) + 1)]
        if not any((PROXY / relative.parent / f"{name}.py").exists() for name in names):
            orphans.append(str(relative))
    assert not orphans, f"tests of modules that are gone: {', '.join(orphans)}"
