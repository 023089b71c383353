"""The phrases about the time: the date, and what clocks and calendars show, in the file's time zone or where the
visitor is."""

from __future__ import annotations

from proxy.conditions.derived import HOURS_THERE, WEEKDAY_THERE, derived_name
from proxy.conditions.localtime import DAY_OF_MONTH, DAYS_LEFT_IN_MONTH, WEEKDAYS
from proxy.conditions.phrase import Kind, Phrase

CLOCKS: tuple[Phrase, ...] = (
    Phrase(
        "date",
        "now",
        Kind.DATE,
        "the day it is, or the moment, in the file's time zone",
        example="date: [2026-12-24, between 2026-12-27 and 2026-12-30]",
        wrong="date: christmas",
        wrong_code="R304",
    ),
    Phrase(
        "weekday there",
        derived_name("time zone", WEEKDAY_THERE),
        Kind.TEXT,
        "the day it is where the visitor is, when their `time zone` is known",
        example="weekday there: [saturday, sunday]",
        wrong="weekday there: sunnday",
        wrong_code="R304",
        choices=WEEKDAYS,
    ),
    Phrase(
        "hours there",
        derived_name("time zone", HOURS_THERE),
        Kind.HOURS,
        "the time of day where the visitor is, when their `time zone` is known; the end is not part of it",
        example="hours there: between 08:00 and 18:00",
        wrong="hours there: in the morning",
        wrong_code="R304",
        hint="write: between 08:00 and 18:00",
    ),
    Phrase(
        "weekday",
        "weekday",
        Kind.TEXT,
        "the day it is, in the file's time zone",
        example="weekday: [saturday, sunday]",
        wrong="weekday: sunnday",
        wrong_code="R304",
        choices=WEEKDAYS,
    ),
    Phrase(
        "hours",
        "hours",
        Kind.HOURS,
        "the time of day, in the file's time zone; the end is not part of it",
        example="hours: between 08:00 and 18:00",
        wrong="hours: between 8 and 18",
        wrong_code="R304",
        hint="write: between 08:00 and 18:00",
    ),
    Phrase(
        DAY_OF_MONTH,
        DAY_OF_MONTH,
        Kind.NUMBER,
        "the day of the month it is, from 1, in the file's time zone",
        example="day of the month: at least 25",
        wrong="day of the month: the last",
        wrong_code="R303",
        hint="write: 25, at least 25, or between 10 and 15; for the last day, days left in the month: 0",
    ),
    Phrase(
        DAYS_LEFT_IN_MONTH,
        DAYS_LEFT_IN_MONTH,
        Kind.NUMBER,
        "how many days of the month come after this one, in the file's time zone; 0 on its last",
        example="days left in the month: at most 2",
        wrong="days left in the month: none left",
        wrong_code="R303",
    ),
)
