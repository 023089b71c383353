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
        (b"<!--1-->", b"<!--one-->", "a comment in html > body, line 3"),
        (b"<!--1-->", b"<!--1-->\n<!--2-->", "html > body, line 3"),
        (b"<p>Hello</p>", b"<div>Hello</div>", "html > body > p, line 4"),
        (b"<p>Hello</p>", b"", "html > body > p, line 4"),
        (b"<p>Hello", b"<p >Hello", "the page, line 4"),
    ],
)
def test_a_difference_is_told_by_its_place(old: bytes, new: bytes, place: str) -> None:
    assert places(PAGE.replace(old, new))[:1] == [place]


def test_pages_that_are_the_same_have_none() -> None:
    assert differences(PAGE, PAGE) == []


@pytest.mark.parametrize(
    ("end", "like", "is_same"),
    [
        ("<!-- made in 0.123 s, 42 queries -->", "<!-- made in 12.5 s, 7 queries -->", True),
        ("</body><!-- a 1 --><!-- b 2 --></html>", "</body><!-- a 2 --><!-- b 1 --></html>", True),
        ("<!-- made in 0.123 s -->", "<!-- made in 0.5 ms -->", False),
        ("<!--esi <p>1</p> -->", "<!--esi <p>2</p> -->", False),
        ('<!--#include virtual="/1" -->', '<!--#include virtual="/2" -->', False),
        ("<!-- 1 --><p>1</p>", "<!-- 2 --><p>2</p>", False),
        ("<!-- 1 --><p >x</p>", "<!-- 2 --><p  >x</p>", False),
        ("<script><!-- a = 1 //--></script>", "<script><!-- a = 2 //--></script>", False),
        ("<p title='<!--1-->'>x</p>", "<p title='<!--2-->'>x</p>", False),
    ],
)
def test_numbers_in_comments_may_be_others(end: str, like: str, is_same: bool) -> None:
    found = differences(PAGE.replace(b"<!--1-->", end.encode()), PAGE.replace(b"<!--1-->", like.encode()))
    assert (found == []) is is_same


def test_every_place_is_reported_with_what_both_say_as_many_as_are_wanted() -> None:
    other = PAGE.replace(b"Hello", b"Bye").replace(b"Shop", b"Store").replace(b"a b", b"a")
    found = differences(PAGE, other)
    assert [(one.one, one.other) for one in found] == [("Shop", "Store"), ("a b", "a"), ("Hello", "Bye")]
    assert len(differences(PAGE, other, 2)) == 2
