from __future__ import annotations

from proxy.catalogue.strategies import because_again, because_bought, because_liked, because_popular, because_viewed
from proxy.conditions.behaviours import BOUGHT
from tests.catalogue.worlds import asking, did


def test_reasons_count_true_buyers_and_visits() -> None:
    ask = asking(viewed=["TRAIL"], cart=["HOTDOG"], bought=["SOCK", "SOCK"])
    assert because_bought(ask, ["products in cart"], "MUSTARD") == "3 of 5 buyers of Hot dogs also bought it"
    assert because_viewed(ask, [], "SCREE") == "2 earlier visits that looked at Trail shoe also looked at Scree shoe"
    assert because_popular(ask, ["everything"], "HOTDOG") == "in 5 orders"
    assert because_again(ask, [], "SOCK") == "bought 2 times before"
    assert because_liked(ask, [], "SCREE") == "71% of what they did was of brand Tarnwell"


def test_of_orders_that_count_less_by_their_age_it_is_told_how_much() -> None:
    ask = asking()
    for day in (0, 0, 0, 42):
        ask.shop.learn("anna", did(BOUGHT, "KETCHUP", at=day * 86_400.0))
    ask.shop.learn("ben", did(BOUGHT, "SOCK", at=42 * 86_400.0))
    assert because_popular(ask, [], "KETCHUP") == "in 5 orders, which count as 2.5 of today"


def test_where_nothing_is_known_that_is_said() -> None:
    ask = asking()
    assert because_popular(ask, [], "SCREE") == "as the catalogue ranks it"
    assert because_bought(ask, [], "KETCHUP") == "bought with none of them yet; in 1 order"
    assert because_viewed(ask, [], "SCREE") == "looked at before"
    assert because_liked(ask, [], "SCREE") == "others who looked at the same looked at it"
