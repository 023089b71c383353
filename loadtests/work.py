"""The work that every decision engine is given: rules of five slots and visitors, the same each time.

The rules ask eleven kinds of things, as editors do: segment, country, device, page, search term, campaign, new or
returning, orders, money spent, weekday, and for most a schedule. A fifth of the rules also holds two `any of` that
multiply into more conjunctions than a plan takes, and so leave it a residual. In `all.topbar` a visitor matches nine
rules in ten; in the other slots one in some hundreds, for where there are many rules each means few visitors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from proxy.conditions.localtime import WEEKDAYS
from proxy.model import (
    AllOf,
    AnyOf,
    AttributeValue,
    Between,
    Condition,
    Contains,
    EvaluationContext,
    Fact,
    NoneOf,
    NotOneOf,
    OneOf,
    Rule,
    StartsWith,
    Test,
)

BROAD_SLOT = "all.topbar"
SLOTS = (BROAD_SLOT, "home.hero", "home.row", "list.banner", "cart.extras")
NOW = datetime(2026, 11, 25, 11, 30, tzinfo=UTC).timestamp()
DAY = 86_400.0

SEGMENTS = tuple(f"segment {number}" for number in range(60))
COUNTRIES = ("NO", "NL", "BE", "DE", "FR", "SE", "DK", "FI", "ES", "IT", "PL", "GB")
CATEGORIES = ("shoes", "jackets", "tents", "packs", "stoves", "maps", "gloves", "socks")
PAGES = (
    "/",
    "/cart",
    *(f"/{category}" for category in CATEGORIES),
    *(f"/{c}/{n}" for c in CATEGORIES for n in range(5)),
)
SEARCHES = ("trail shoes", "rain jacket", "two person tent", "gas stove", "wool socks", "running shoes", "topo map")
SOURCES = ("newsletter", "instagram", "google", "partner")


@dataclass(frozen=True)
class Work:
    """Rules, and visitors who all come at one moment."""

    rules: tuple[Rule, ...]
    visitors: tuple[EvaluationContext, ...]


def work(rules: int, visitors: int = 400, seed: int = 2026) -> Work:
    """The same rules and visitors for the same arguments; as many rules in each slot."""
    random = Random(seed)
    made = tuple(_rule(random, order, SLOTS[order % len(SLOTS)]) for order in range(rules))
    return Work(made, tuple(_visitor(random, number) for number in range(visitors)))


def _rule(random: Random, order: int, slot: str) -> Rule:
    condition = _broad(random) if slot == BROAD_SLOT else _narrow(random)
    if order // len(SLOTS) % 5 == 0:
        condition = AllOf((*condition.parts, _any_of(random, 4), _any_of(random, 5)))
    begins, lasts = random.uniform(-20, 2) * DAY, random.uniform(15, 60) * DAY
    is_scheduled = slot != BROAD_SLOT and random.random() < 0.6
    return Rule(
        f"rule {order}",
        slot,
        condition,
        variant=f"v{order}",
        priority=random.choice((20, 50, 50, 50, 80)),
        order=order,
        live_from=NOW + begins if is_scheduled else float("-inf"),
        live_until=NOW + begins + lasts if is_scheduled else float("inf"),
    )


# -- rules


def _narrow(random: Random) -> AllOf:
    """A segment and two to four more facts in any order, now and then with an exception."""
    facts: list[Condition] = [_segment(random), *(make(random) for make in random.sample(FACTS, random.randint(2, 4)))]
    random.shuffle(facts)
    if random.random() < 0.15:
        facts.append(NoneOf((_segment(random),)))
    return AllOf(tuple(facts))


def _broad(random: Random) -> AllOf:
    return AllOf((random.choice(BROAD_FACTS)(random),))


def _any_of(random: Random, count: int) -> AnyOf:
    """Alternatives, the last so wide that a broad rule stays broad."""
    narrow = [make(random) for make in random.sample(FACTS, count - 1)]
    return AnyOf((*narrow, random.choice(BROAD_FACTS)(random)))


def _one_of(attribute: str, words: Sequence[str], most: int) -> Callable[[Random], Fact]:
    def make(random: Random) -> Fact:
        return _fact(attribute, OneOf(frozenset(random.sample(words, random.randint(1, most)))))

    return make


def _segment(random: Random) -> Fact:
    return _one_of("segment", SEGMENTS, 2)(random)


def _page(random: Random) -> Fact:
    if random.random() < 0.5:
        return _fact("page", StartsWith((f"/{random.choice(CATEGORIES)}",)))
    return _one_of("page", PAGES, 3)(random)


def _search(random: Random) -> Fact:
    return _fact("search term", Contains((random.choice(random.choice(SEARCHES).split()),)))


def _orders(random: Random) -> Fact:
    return _fact("orders", Between(low=float(random.randint(1, 12))))


def _spend(random: Random) -> Fact:
    low = random.randint(0, 400)
    return _fact("lifetime spend", Between(float(low), float(low + random.randint(20, 300)), open_high=True))


def _not_country(random: Random) -> Fact:
    return _fact("country", NotOneOf(frozenset({random.choice(COUNTRIES)})))


def _few_orders(random: Random) -> Fact:
    return _fact("orders", Between(high=float(random.randint(9, 14))))


def _most_days(random: Random) -> Fact:
    return _fact("weekday", NotOneOf(frozenset({random.choice(WEEKDAYS)})))


def _fact(attribute: str, test: Test) -> Fact:
    return Fact(attribute, test, f"{attribute} {test}")


FACTS: tuple[Callable[[Random], Fact], ...] = (
    _one_of("country", COUNTRIES, 3),
    _one_of("device", ("phone", "tablet", "desktop"), 1),
    _page,
    _search,
    _one_of("campaign.source", SOURCES, 1),
    _one_of("visitor", ("new", "returning"), 1),
    _one_of("weekday", WEEKDAYS, 4),
    _orders,
    _spend,
)
BROAD_FACTS: tuple[Callable[[Random], Fact], ...] = (_not_country, _few_orders, _most_days)


# -- visitors


def _visitor(random: Random, number: int) -> EvaluationContext:
    attributes: dict[str, AttributeValue] = {
        "segment": frozenset(random.sample(SEGMENTS, random.randint(0, 5))),
        "country": random.choice(COUNTRIES),
        "device": random.choice(("phone", "phone", "tablet", "desktop")),
        "page": random.choice(PAGES),
        "visitor": random.choice(("new", "returning")),
        "orders": float(random.randint(0, 10)),
        "lifetime spend": round(random.uniform(0, 900), 2),
    }
    for attribute, values in (("search term", SEARCHES), ("campaign.source", SOURCES)):
        if random.random() < 0.3:
            attributes[attribute] = random.choice(values)
    return EvaluationContext(f"visitor {number}", NOW, attributes)
