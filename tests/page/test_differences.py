from __future__ import annotations

import pytest

from proxy.page.differences import differences

PAGE = (
    b'<!doctype html>\n<html><head><title>Shop</title></head>\n<body class="a b">\n<p>Hello</p><!--1--></body></html>'
)


def places(other: bytes) -> list[str]:
    return [str(difference.place) for difference in differences(PAGE, other)]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (b"Hello", b"Good day", "html > body > p, line 4"),
        (b'class="a b"', b'class="a c"', "html > body@class, line 3"),
        (b"<p>", b"<p id=x>", "html > body > p@id, line 4"),
        (b"Shop", b"Store", "html > head > title, line 2"),
        (b"<!--1-->", b"<!--2-->", "html > body, line 3"),
        (b"<p>Hello</p>", b"<div>Hello</div>", "html > body > p, line 4"),
        (b"<p>Hello</p>", b"", "html > body > p, line 4"),
        (b"<p>Hello", b"<p >Hello", "the page, line 4"),
    ],
)
def test_a_difference_is_told_by_its_place(old: bytes, new: bytes, place: str) -> None:
    assert places(PAGE.replace(old, new))[:1] == [place]


def test_pages_that_are_the_same_have_none() -> None:
    assert differences(PAGE, PAGE) == []


def test_every_place_is_told_with_what_both_say_as_many_as_are_wanted() -> None:
    other = PAGE.replace(b"Hello", b"Bye").replace(b"Shop", b"Store").replace(b"a b", b"a")
    found = differences(PAGE, other)
    assert [(one.one, one.other) for one in found] == [("Shop", "Store"), ("a b", "a"), ("Hello", "Bye")]
    assert len(differences(PAGE, other, 2)) == 2
