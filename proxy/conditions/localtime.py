"""What day and time it is on the clocks of a zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from proxy.model import AttributeValue

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def clock_text(minutes: float) -> str:
    """Minutes since midnight as a clock shows them."""
    return "{:02d}:{:02d}".format(*divmod(int(minutes), 60))


@lru_cache(maxsize=64)  # whoever counts a million visitors asks for one moment all the time
def local_time(now: float, timezone: str) -> Mapping[str, AttributeValue]:
    """`weekday` as a word and `hours` as minutes since midnight, both on the clocks of `timezone`."""
    there = datetime.fromtimestamp(now, ZoneInfo(timezone))
    return {"weekday": WEEKDAYS[there.weekday()], "hours": float(there.hour * 60 + there.minute)}
