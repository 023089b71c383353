from __future__ import annotations

from datetime import UTC, datetime
from math import inf, nextafter
from random import Random

from proxy.decide.clock import MANY_BREAKS, Clock, CompactSchedule
from proxy.decide.column import column
from proxy.decide.conjunctions import Literal
from proxy.model import Between, Countdown, OneOf, WithinHours

SATURDAY, MORNING = Literal("weekday", OneOf(frozenset({"saturday"}))), Literal("hours", WithinHours(480, 720))
EVERYONE = 0b111


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def clock(**local: Literal) -> Clock:
    asked = {
        (literal.attribute, zone.replace("_", "/")): column([{literal: 0b100}], EVERYONE)
        for zone, literal in local.items()
    }
    return Clock(EVERYONE, column([{Literal("now", Between(100, 200, open_high=True)): 0b001}], EVERYONE), asked)


def test_a_schedule_changes_on_its_second_and_the_answer_says_until_when_it_is_good() -> None:
    schedule = clock()
    assert [schedule.bits(now) & 1 for now in (99.9, 100.0, 199.9, 200.0)] == [0, 1, 1, 0]
    schedule.bits(150.0)
    after, until, bits, _ = schedule.latest
    assert after < 100.0 <= 199.9 <= until < 200.0 and bits & 1


def test_from_each_turn_on_it_is_another_time_though_the_bits_are_the_same() -> None:
    turning = Clock(EVERYONE, None, {}, (100.0, 200.0))
    moments = (nextafter(100.0, -inf), 100.0, 199.9, 200.0, 9e9)
    told = [turning.period(now) for now in moments]
    assert [time == told[0][0] for time, _ in told] == [True, False, False, False, False]
    assert told[1][0] == told[2][0] != told[3][0] == told[4][0]
    assert [until for _, until in told] == [nextafter(turn, -inf) for turn in (100.0, 200.0, 200.0)] + [inf, inf]
    assert {turning.bits(now) for now in moments} == {EVERYONE}


def test_it_is_another_time_when_a_countdown_changes() -> None:
    days, hours = Countdown("days", "2026-12-24"), Countdown("hours", "2026-12-24", 60)
    counting = Clock(EVERYONE, None, {}, (), [(days, "UTC"), (hours, "UTC"), (days, "UTC")])
    one, until = counting.period(at("2026-12-22T10:20"))
    assert until == nextafter(at("2026-12-22T11:00"), -inf) and counting.period(until) == (one, until)
    assert counting.period(at("2026-12-22T11:00"))[0] != one == counting.period(at("2026-12-22T10:59"))[0]
    over, until = counting.period(at("2026-12-24T01:00"))
    assert until > 1e300 and over == counting.period(at("2027-06-01"))[0]
    assert counting.bits(at("2026-12-22T10:20")) == EVERYONE


def test_every_moment_within_the_answers_time_has_the_same_answer() -> None:
    for minutes in range(-90, 90, 7):
        now = at("2026-03-28T23:00") + minutes * 60 + 13.5
        asked = clock(Europe_Oslo=SATURDAY, Asia_Kathmandu=MORNING)
        bits = asked.bits(now)
        after, until, _, _ = asked.latest
        assert after < now <= until
        assert {asked.bits(moment) for moment in (after + 1e-3, now, until)} == {bits}


def test_weekday_and_hours_are_read_in_their_zone_on_both_sides_of_a_clock_change() -> None:
    saturday = clock(Europe_Oslo=SATURDAY)
    assert [
        bool(saturday.bits(at(f"2026-03-{text}")) & 4) for text in ("27T22:59", "27T23:00", "28T22:59", "28T23:00")
    ] == [
        False,
        True,
        True,
        False,
    ]
    morning = clock(Europe_Oslo=MORNING)
    assert [
        bool(morning.bits(at(text)) & 4) for text in ("2026-03-28T07:00", "2026-03-29T06:00", "2026-03-29T10:00")
    ] == [
        True,
        True,
        False,
    ]


def test_what_time_it_is_changes_and_comes_again_with_the_answer_alone() -> None:
    office = clock(Europe_Oslo=MORNING)
    hours = ("07:00", "08:30", "08:31", "11:59", "12:00", "23:59")
    times = [[office.period(at(f"2026-11-{day}T{hour}") - 3_600)[0] for hour in hours] for day in (23, 24)]
    assert [len(set(day)) for day in times] == [2, 2]
    assert times[0] == times[1] == [times[0][0], *[times[0][1]] * 3, *[times[0][0]] * 2]
    assert office.period(150.0)[0] not in times[0]
    office.bits(at("2026-11-23T08:30") - 3_600)
    time, until = office.period(at("2026-11-23T08:30") - 3_600)
    assert time == times[0][1] and office.period(until) == (time, until) != office.period(nextafter(until, inf))


def test_times_that_were_forgotten_have_new_numbers() -> None:
    many = column([{Literal("now", Between(n, n + 1, open_high=True)): 1 << n for n in range(200)}], (1 << 200) - 1)
    schedule = Clock((1 << 200) - 1, many, {})
    numbers = [schedule.period(n + 0.5)[0] for n in [*range(200), 0]]
    assert len(set(numbers)) == 201


def test_a_clock_nobody_asks_answers_once_for_all_time() -> None:
    idle = Clock(EVERYONE, None, {})
    assert idle.bits(5.0) == EVERYONE
    assert idle.latest[:3] == (float("-inf"), float("inf"), EVERYONE)


def test_a_long_schedule_answers_as_its_column_does() -> None:
    random, rules = Random(3), MANY_BREAKS // 2 + 50
    spans = [sorted(random.sample(range(10**6), 2)) for _ in range(rules)]
    asked = {
        Literal("now", Between(begin, end, open_high=True)): 1 << place for place, (begin, end) in enumerate(spans)
    }
    long = column([asked], (1 << rules) - 1)
    assert len(long.breaks) >= MANY_BREAKS
    moments = [-1.0, 0.5, 10.0**6, *random.choices(long.breaks, k=200), *(random.uniform(0, 10**6) for _ in range(200))]
    schedule = CompactSchedule(long)
    assert [schedule.bits(now) for now in moments] == [long.bits(now) for now in moments]
    assert [Clock(-1, long, {}).bits(now) for now in moments[:9]] == [long.bits(now) for now in moments[:9]]
