from __future__ import annotations

from proxy.model import Product
from proxy.page.counting import MOST_NUMBERS, Counting
from proxy.page.fragments import Fragment, Wrapper, banner, editor_html
from proxy.page.piece import Piece
from proxy.page.product_row import ProductRow, product_row

DAY = 86_400.0
CHRISTMAS = 1_798_070_400.0  # 24 December 2026, 00:00 UTC
TITLE = "Only {days until 2026-12-24, day/days|today} to go"
SOCK = Product("SOCK", "Sock", "/p/SOCK")


def html(fragment: Fragment) -> str:
    return b"".join(part.plain if isinstance(part, Piece) else part for part in fragment.fill({})).decode()


def test_it_is_constant_and_the_same_object_until_the_number_changes() -> None:
    counting = Counting(banner(Wrapper("A"), title=TITLE), "UTC")
    two = counting.at(CHRISTMAS - 2 * DAY)
    assert two.constant is not None and two is counting.at(CHRISTMAS - DAY - 1) is not counting.at(CHRISTMAS - DAY)
    assert "Only 2 days to go" in html(two)
    assert [("Only 1 day to" in html(counting.at(CHRISTMAS - 1))), "Only today to" in html(counting.at(CHRISTMAS))] == [
        True,
        True,
    ]


def test_it_is_counted_in_its_time_zone_and_told_to_other_channels_too() -> None:
    counting = Counting(banner(Wrapper("A"), title=TITLE), "Asia/Tokyo")
    (title,) = [value for name, value in counting.at(CHRISTMAS - 8 * 3_600).content if name == "title"]
    assert isinstance(title, tuple) and "".join(map(str, title)) == "Only today to go"


def test_a_visitors_own_words_beside_it_stay_fields() -> None:
    made = Counting(banner(Wrapper("A"), title="{name}, {hours until 12:00, hour/hours}"), "UTC").at(CHRISTMAS)
    assert [field.attribute for field in made.fields] == ["name", "name"] and made.constant is None
    assert "12 hours" in html(made)


def test_it_may_stand_in_a_file_also_within_a_link() -> None:
    source = (
        '<p>{{ days until 2026-12-24, day/days|default("<soon>") }}<a href="/x?n={{ days until 2026-12-24 }}">x</a>'
    )
    counting = Counting(editor_html(Wrapper("A"), source), "UTC")
    assert '>1 day<a href="/x?n=1" ' in html(counting.at(CHRISTMAS - 1))
    assert '>&lt;soon&gt;<a href="/x?n=" ' in html(counting.at(CHRISTMAS))


def test_a_row_keeps_the_places_of_its_cards_and_none_of_the_words_of_yesterday() -> None:
    counting = Counting(product_row(Wrapper("A"), title=TITLE), "UTC")
    shown = []
    for now in (CHRISTMAS - 2 * DAY, CHRISTMAS - DAY):
        row = counting.at(now)
        assert isinstance(row, ProductRow)
        shown.append(html(row.filled([SOCK], now, is_common=True)))
    assert ["2 days" in shown[0], "1 day" in shown[1], shown[0].index("Sock") > shown[0].index("days")] == [True] * 3


def test_only_so_many_are_kept() -> None:
    counting = Counting(banner(Wrapper("A"), title=TITLE), "UTC")
    for days in range(2 * MOST_NUMBERS):
        counting.at(CHRISTMAS - days * DAY)
    assert len(counting._made) <= MOST_NUMBERS
