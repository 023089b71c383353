"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import settings

for name in ("http_proxy", "https_proxy", "all_proxy"):  # all that tests talk to is on this machine
    for each in (name, name.upper()):
        os.environ.pop(each, None)

settings.register_profile("any machine", deadline=None)  # one that is busy takes its time over what takes none
settings.load_profile("any machine")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes that are no text are not named by themselves: some differ from run to run, as a gzip's time does, and tests
    that run side by side must have the same names."""
    return f"{argname} of {len(val)}" if isinstance(val, bytes) and not (val.isascii() and len(val) < 60) else None
