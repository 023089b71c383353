"""What holds for all tests."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import uvloop
from hypothesis import settings

for name in ("http_proxy", "https_proxy", "all_proxy"):  # all that tests talk to is on this machine
    for each in (name, name.upper()):
        os.environ.pop(each, None)

if sys.dont_write_bytecode:  # what is started here starts as it does where it is installed: from compiled modules
    sys.dont_write_bytecode = False
    sys.pycache_prefix = os.environ.setdefault(
        "PYTHONPYCACHEPREFIX", str(Path(__file__).parents[1] / ".cache" / "bytecode")
    )
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

settings.register_profile("any machine", deadline=None)  # one that is busy takes its time over what takes none
settings.load_profile("any machine")

OF_THE_SUPERVISOR = {"test_supervisor.py", "test_worker.py", "test_zygote.py"}
"""Who keeps workers does so on asyncio's own loop; they serve on uvloop."""


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """A test runs on the event loop that its subject runs on."""
    if item.path.name in OF_THE_SUPERVISOR:
        return {"asyncio": asyncio.new_event_loop}
    return {"uvloop": uvloop.new_event_loop}


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes that are no text are not named by themselves: some differ from run to run, as a gzip's time does, and tests
    that run side by side must have the same names."""
    return f"{argname} of {len(val)}" if isinstance(val, bytes) and not (val.isascii() and len(val) < 60) else None
