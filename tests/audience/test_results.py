"""What visitors did after they met a choice."""

from __future__ import annotations

from math import inf

import pytest
from msgspec.structs import replace

from proxy.audience.results import HELD_OUT, Comparison, Exposure, Money, Results, Tally, exposures_in, holdout_name
from proxy.bucketing import HOLDOUT, bucket
from proxy.model import Arrival, Event, Holdout, Item

ORDER = "order completed"


def view(at: float, shown: tuple[str, ...] = (), **choices: str) -> Arrival:
    """A page view whose slots showed these variants; of `held_x` the rule was withheld in slot x."""
    details: dict[str, str | float | bool] = {
        f"held out {name[5:]}" if name.startswith("held_") else f"slot {name}": said for name, said in choices.items()
    }
    return Arrival("v", Event(at, f"view{at}", "page viewed", "/", shown=shown), "page", at, details=details)


def done(at: float, kind: str = ORDER, value: float = 0.0, subject: str = "") -> Arrival:
    return Arrival("v", Event(at, f"{kind}{at}", kind, subject, value=value), "shop", at)


def viewed(rule: str, part: str) -> Arrival:
    details: dict[str, str | float | bool] = {"experiment_name": rule, "variation_name": part}
    return Arrival("v", Event(1, "e", "custom event", "Experiment Viewed"), details=details)


@pytest.mark.parametrize(
    ("arrival", "met"),
    [
        (view(1, ("Sale",), hero="Sale"), [Exposure("Sale", "shown", "hero")]),
        (view(1, ("Bar",), bar="Bar / new"), [Exposure("Bar", "new", "bar")]),
        (view(1, bar="Bar / control"), [Exposure("Bar", "control", "bar")]),
        (view(1, ("Him / Her",), hero="Him / Her"), [Exposure("Him / Her", "shown", "hero")]),
        (view(1, ("A / B",), hero="A / B / c / d"), [Exposure("A / B", "c / d", "hero")]),
        (view(1, held_hero="Sale"), [Exposure("Sale", HELD_OUT, "hero")]),
        (Arrival("v", Event(1, "e", "banner shown", "Sale")), [Exposure("Sale", "shown")]),
        (
            Arrival("v", Event(1, "e", "banner shown", "Bar"), details={"variant": "Bar / new", "slot": "app"}),
            [Exposure("Bar", "new", "app")],
        ),
        (Arrival("v", Event(1, "e", "banner shown", "Bar"), details={"variant": "green"}), [Exposure("Bar", "shown")]),
        (Arrival("v", Event(1, "e", "banner clicked", "Bar")), []),
        (viewed("Bar", "Bar / control"), [Exposure("Bar", "control")]),
        (viewed("Bar", "new"), [Exposure("Bar", "new")]),
        (viewed("Sale", "Sale"), [Exposure("Sale", "shown")]),
        (viewed("Sale", "held out"), [Exposure("Sale", HELD_OUT)]),
        (Arrival("v", Event(1, "e", "custom event", "Experiment Viewed"), details={"experiment_name": "Bar"}), []),
    ],
)
def test_an_event_says_which_choices_its_visitor_met(arrival: Arrival, met: list[Exposure]) -> None:
    assert list(exposures_in(arrival)) == met


def test_a_visitor_counts_once_for_what_they_met_first_and_did_since() -> None:
    results = Results()
    results.add(
        [
            done(1, value=100.0),  # before they met it
            done(7, "order refunded", 2.0),
            view(4, bar="Bar / new"),
            view(3, bar="Bar / control"),
            done(5, value=10.0),
            done(6, value=10.0),
            done(8, "banner clicked", subject="Sale"),
        ],
        "v",
    )
    results.add([view(2, bar="Bar / new"), done(3, "banner clicked", subject="Bar")], "w")
    bar = results.comparisons["Bar"]
    told = {
        name: (tally.visitors, {kind: did for kind, did in tally.converted.items() if did}, tally.payments)
        for name, tally in bar.groups.items()
    }
    assert told == {"control": (1, {ORDER: 1}, [18.0]), "new": (1, {"banner clicked": 1}, [])}
    assert (bar.crossed, bar.began, results.visitors) == (1, 2, 2)


def test_the_currencies_are_those_of_orders() -> None:
    results = Results()
    details: dict[str, str | float | bool] = {"currency": "eur"}
    searched = Arrival("v", Event(3, "s", "searched", "x"), details={"currency": "USD"})
    order = Arrival("v", Event(4, "o", ORDER, value=1.0), details=details)
    before = Arrival("v", Event(1, "b", ORDER, value=1.0), details={"currency": "SEK"})
    results.add([before, view(2, bar="Bar / new"), searched, order], "v")
    assert results.comparisons["Bar"].currencies == {"EUR": 1}
    results.add([view(2, bar="Bar / new"), Arrival("w", Event(4, "o", ORDER, value=1.0))], "w")
    assert results.comparisons["Bar"].currencies == {"EUR": 1, "": 1}


def test_an_order_that_cost_nothing_is_in_no_currency() -> None:
    results = Results()
    results.add([view(2, bar="Bar / new"), bought(3, "a", 10.0, "EUR"), bought(4, "free", 0.0, "EUR")], "v")
    bar = results.comparisons["Bar"]
    assert (bar.currencies, bar.groups["new"].converted[ORDER]) == ({"EUR": 1}, 1)


def test_money_is_that_of_the_most_frequent_currency() -> None:
    results = Results()
    for number in range(3):
        orders = [bought(3, f"{number}a", 10.0, "EUR"), bought(4, f"{number}b", 500.0, "SEK")]
        back = Arrival("v", Event(5, f"order refunded:{number}b:part", "order refunded", value=100.0))
        results.add([view(2, bar="Bar / new"), *orders[: 1 + (number > 0)], back], "v")
    results.sum_up()
    bar = results.comparisons["Bar"]
    assert (bar.currency, bar.currencies) == ("EUR", {"EUR": 3, "SEK": 2})
    assert bar.groups["new"].money == Money(3, 30.0, 30.0, 300.0)


def bought(at: float, id: str, value: float, currency: str) -> Arrival:
    event = Event(at, f"{ORDER}:{id}", ORDER, value=value)
    return Arrival("v", event, "shop", at, details={"currency": currency})


def test_who_met_it_first_in_the_time_asked_for_counts_with_what_follows_at_any_time() -> None:
    results = Results(since=2, until=3)
    results.add([view(1, bar="Bar / a"), view(2, bar="Bar / a"), done(9, value=7.0)], "earlier")
    results.add([view(2, bar="Bar / b"), done(9, value=5.0)], "v")
    results.add([view(3, bar="Bar / a")], "later")
    results.add([view(1, hero="Hero / a")], "nobody in this time")
    results.sum_up()
    bar = results.comparisons["Bar"]
    assert {name: (tally.visitors, tally.money.total) for name, tally in bar.groups.items()} == {"b": (1, 5.0)}
    assert (bar.began, bar.first, list(results.comparisons)) == (2, 1, ["Bar"])


@pytest.mark.parametrize(
    ("less", "paid"),
    [
        ("order refunded:old", 50.0),
        ("order refunded:old:part-1", 50.0),
        ("order refunded:new", 40.0),
        ("order refunded:new:part-1", 40.0),
        ("order cancelled:new", 40.0),
        ("order cancelled:new-2", 50.0),
        ("shop:m-17", 40.0),
    ],
)
def test_what_is_paid_back_of_an_order_from_before_is_not_taken_off(less: str, paid: float) -> None:
    old, new = (Event(at, f"order completed:{id}", ORDER, value=50.0) for at, id in ((1, "old"), (3, "new")))
    back = Event(4, less, less.partition(":")[0] if less.startswith("order") else "order refunded", value=10.0)
    results = Results()
    results.add([view(2, bar="Bar / a"), *(Arrival("v", event) for event in (old, new, back))], "v")
    assert results.comparisons["Bar"].groups["a"].payments == [paid]


def test_of_an_order_that_was_called_off_and_paid_back_nothing_is_left_and_nothing_of_others_taken() -> None:
    orders = [bought(3, "a", 50.0, "EUR"), bought(3, "b", 10.0, "EUR")]
    backs = [
        Event(4, "order cancelled:a", "order cancelled"),
        Event(5, "order refunded:a:m", "order refunded", value=50.0),
    ]
    results = Results()
    results.add([view(2, bar="Bar / a"), *orders, *(Arrival("v", event) for event in backs)], "v")
    tally = results.comparisons["Bar"].groups["a"]
    assert (tally.payments, tally.returned) == ([10.0], 1)


def test_a_holdout_counts_everybody_who_met_a_choice_that_it_is_about_by_their_draw() -> None:
    keys = [f"visitor{number}" for number in range(100)]
    shop, hero = Holdout("Winter", 3_000), Holdout("Hero", 5_000, frozenset({"hero"}), live_from=5)
    results = Results([shop, hero])
    for key in keys:
        results.add([view(4, held_bar="Bar"), view(6, ("Sale",), hero="Sale")], key)
    results.add([done(1)], "met nothing")
    for holdout in (shop, hero):
        out = sum(bucket(HOLDOUT + holdout.name, key) < holdout.share for key in keys)
        sizes = {name: tally.visitors for name, tally in results.comparisons[holdout_name(holdout)].groups.items()}
        assert 0 < out < 100 and sizes == {HELD_OUT: out, "shown": 100 - out}
    assert (results.comparisons[holdout_name(shop)].began, results.comparisons[holdout_name(hero)].began) == (4, 6)


def test_a_holdout_notices_who_was_shown_something_though_they_are_held_out() -> None:
    keys = [f"visitor{number}" for number in range(100)]
    late, results = Holdout("Late", 3_000), Results([Holdout("Late", 3_000)])
    for number, key in enumerate(keys):
        is_out = bucket(HOLDOUT + late.name, key) < late.share
        began_to_hold = view(200, held_hero="Sale") if is_out else view(200, ("Sale",), hero="Sale")
        results.add([view(number, ("Sale",), hero="Sale"), began_to_hold], key)
    (found,) = [one for name, one in results.comparisons.items() if name == holdout_name(late)]
    held = [number for number, key in enumerate(keys) if bucket(HOLDOUT + late.name, key) < late.share]
    assert found.groups[HELD_OUT].visitors == found.unheld == len(held) and found.unheld_at == held[-1]


def test_one_large_order_counts_for_what_the_highest_hundredth_begins_with() -> None:
    usual, large = [float(paid) for paid in range(1, 100)], 50_000.0
    comparison = Comparison({"new": Tally(200, payments=[*usual, large]), "old": Tally(200, payments=[*usual, 99.0])})
    comparison.sum_up()
    new, old = (comparison.groups[name] for name in ("new", "old"))
    assert comparison.cap == 99.0 and new.payments == []
    assert (new.money.payers, new.money.total, new.money.capped) == (100, 54_950.0, 5_049.0)
    assert (new.money.capped, new.money.squares) == (old.money.capped, old.money.squares)
    few = Comparison({"new": Tally(200, payments=[1.0, large])})
    few.sum_up()
    assert few.cap == inf and few.groups["new"].money == Money(2, 50_001.0, 50_001.0, large * large + 1)


def test_of_who_ordered_is_counted_who_had_something_of_that_paid_back() -> None:
    def order(name: str, at: float) -> Arrival:
        return Arrival("v", Event(at, f"{ORDER}:{name}", ORDER, value=9.0), "shop", at)

    def back(name: str, at: float, kind: str = "order refunded") -> Arrival:
        return Arrival("v", Event(at, f"{kind}:{name}:m", kind, value=1.0), "shop", at)

    results = Results()
    visitors = (
        [order("a", 3), back("a", 4), back("a", 5, "order cancelled")],
        [order("a", 3), order("b", 4), back("b", 5, "order cancelled")],
        [order("a", 1), order("b", 4), back("a", 5)],  # of an order from before
        [done(4, "order refunded", 1.0)],  # ordered nothing
        [order("a", 3)],
    )
    for number, arrivals in enumerate(visitors):
        results.add([view(2, bar="Bar / new"), *arrivals], f"v{number}")
    tally = results.comparisons["Bar"].groups["new"]
    assert (tally.visitors, tally.converted[ORDER], tally.returned) == (5, 4, 2)


def of_products(at: float, kind: str, *products: str, subject: str = "", price: float = 5.0) -> Arrival:
    items = tuple(Item(product, price=price, quantity=2.0) for product in products)
    return Arrival("v", Event(at, f"{kind}{at}", kind, subject, items, value=100.0), "shop", at)


def click(at: float, *products: str, rule: str = "Row") -> Arrival:
    return of_products(at, "banner clicked", *products, subject=rule)


def ordered(at: float, *products: str) -> Arrival:
    return of_products(at, ORDER, *products)


@pytest.mark.parametrize(
    ("log", "sold"),
    [
        ([click(2, "a"), ordered(20, "a", "b")], 10.0),
        ([click(2, "a"), ordered(20, "a"), ordered(30, "a")], 20.0),
        ([click(2, "a", rule="Other"), ordered(20, "a")], None),
        ([ordered(3, "a"), click(4, "a")], None),
        ([click(2, "a"), ordered(3 + 7 * 86_400, "a")], None),
    ],
    ids=["once", "twice", "another row's", "before", "8 days on"],
)
def test_what_a_row_earned_is_what_was_bought_of_the_products_clicked_in_it(
    log: list[Arrival], sold: float | None
) -> None:
    results = Results()
    results.add([view(1, row="Row"), *log], "v")
    results.sum_up()
    tally = results.comparisons["Row"].groups["shown"]
    assert (tally.buyers, tally.sold) == ((0, 0.0) if sold is None else (1, sold))


def test_what_a_row_earned_is_in_the_currency_of_what_was_paid() -> None:
    results = Results()
    for number, currency in enumerate(("EUR", "EUR", "USD")):
        order = ordered(9, "a")
        results.add([view(1, row="Row"), click(2, "a"), replace(order, details={"currency": currency})], f"v{number}")
    results.sum_up()
    tally = results.comparisons["Row"].groups["shown"]
    assert (tally.buyers, tally.sold, results.comparisons["Row"].currency) == (3, 20.0, "EUR")
