"""The words that a visitor reads in a fragment."""

from __future__ import annotations

import pytest

from proxy.page.fragments import Wrapper, banner, editor_html
from proxy.page.shown_words import is_read, shown_words

HTML = """<p>Hello <b>{{ first_name|default("you") }}</b>, see&nbsp;our
   <a href="/sale">sale</a>.</p><ul><li>One</li><li>Two &amp; three</li></ul>"""


def test_a_banners_texts_are_read_by_name_and_all_that_is_read_together() -> None:
    fragment = banner(
        Wrapper("A"), title="{first name|Hello}, <winter>", text="Only {€50 - cart total} more", button="Go", link="/"
    )
    assert shown_words(fragment, {"first name": "Anna & Zoë", "cart total": 37.5}) == {
        "title": "Anna & Zoë, <winter>",
        "text": "Only €12.50 more",
        "button": "Go",
        "says": "Anna & Zoë, <winter> Only €12.50 more Go",
    }


def test_of_an_html_file_all_that_is_read_is_known_without_its_tags() -> None:
    words = shown_words(editor_html(Wrapper("A"), HTML), {"first name": "Anna"})
    assert words == {"says": "Hello Anna, see our sale. One Two & three"}


@pytest.mark.parametrize(
    ("name", "wanted", "is_there"),
    [
        ("title", "23 days to go", True),
        ("title", "23  days to go ", True),
        ("title", "23 days", False),
        ("says", "23 days", True),
        ("says", "3 days", False),
        ("says", "to go! Shop", True),
        ("button", "Shop", False),
    ],
)
def test_a_text_is_compared_as_a_whole_and_all_that_is_read_in_whole_words(
    name: str, wanted: str, is_there: bool
) -> None:
    words = {"title": "23 days to go", "says": "23 days to go! Shop"}
    assert is_read(name, wanted, words) is is_there
