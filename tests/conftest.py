"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("any machine", deadline=None)  # one that is busy takes its time over what takes none
settings.load_profile("any machine")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes that are no text are not named by themselves: some differ from run to run, as a gzip's time does, and tests
    that run side by side must have the same names."""
    return f"{argname} of {len(val)}" if isinstance(val, bytes) and not (val.isascii() and len(val) < 60) else None
