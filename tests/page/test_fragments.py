from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
import turbohtml

from proxy.errors import EditorError
from proxy.model import Attributes
from proxy.page.fields import Field
from proxy.page.fragments import Fragment, Wrapper, banner, editor_html, trusted_html
from proxy.page.piece import Piece
from proxy.page.product_row import product_row
from tests.page.test_sanitise import ATTACKS

BARE = Wrapper("Rule")
FULL = Wrapper("VIP <early>", "early", "tb-size-home-hero", "/_tb/style.0123.css")
CART_REMINDER = (Path(__file__).parent.parent / "cases" / "page" / "cart-reminder.html").read_text()


def html(fragment: Fragment, attributes: Attributes | None = None) -> str:
    return b"".join(part.plain if isinstance(part, Piece) else part for part in fragment.fill(attributes or {})).decode(
        "ascii"
    )


def parsed(fragment: Fragment, attributes: Attributes | None = None) -> turbohtml.Element:
    return turbohtml.parse_fragment(html(fragment, attributes))


def test_a_banner_is_a_labelled_section_with_headline_text_and_button() -> None:
    page = parsed(
        banner(FULL, title="Sale", text="24 hours", button="Shop", link="/sale", image="/i.avif", alt="Gift",
               image_width=1200, image_height=480)
    )  # fmt: skip
    section = page.select_one("section.tb-banner")
    assert section is not None
    assert section.attr("aria-label") == "Sale"
    assert [e.text for e in page.select("h2.tb-banner-title, p.tb-banner-text, a.tb-banner-button")] == [
        "Sale", "24 hours", "Shop",
    ]  # fmt: skip
    picture = page.select_one("img")
    assert picture is not None
    assert [picture.attr(name) for name in ("alt", "width", "height")] == ["Gift", "1200", "480"]


def test_a_banner_leaves_out_what_is_not_given() -> None:
    page = parsed(banner(BARE, title="Sale"))
    assert not page.select("img, p, a, link")


def test_without_a_button_the_headline_is_the_link() -> None:
    link = parsed(banner(BARE, title="Sale", link="/sale")).select_one("h2 > a")
    assert link is not None
    assert (link.attr("href"), link.text) == ("/sale", "Sale")


def test_a_picture_without_words_is_decoration() -> None:
    picture = parsed(banner(BARE, title="Sale", image="/i.avif")).select_one("img")
    assert picture is not None
    assert picture.attr("alt") == ""


def test_no_maker_writes_inline_style_or_script() -> None:
    for fragment in (banner(FULL, title="a", image="/b"), editor_html(FULL, "<p>x"), product_row(FULL)):
        assert not parsed(fragment).select("script, style, [style], [onclick]")


def test_a_button_that_leads_nowhere_is_reported() -> None:
    with pytest.raises(EditorError, match="leads nowhere"):
        banner(BARE, title="Sale", button="Shop")


@pytest.mark.parametrize("address", ["javascript:alert(1)", "java\tscript:x", "data:text/html,x", "http://x"])
def test_a_banner_links_to_allowed_addresses_only(address: str) -> None:
    with pytest.raises(EditorError, match="not an address"):
        banner(BARE, title="Sale", link=address)
    with pytest.raises(EditorError, match="not where visitors can get a picture"):
        banner(BARE, title="Sale", image=address)


def test_fields_are_filled_where_they_stand() -> None:
    fragment = banner(BARE, title="{first name|Hello}, welcome", text="You saved {saved} EUR")
    assert {field.attribute for field in fragment.fields} == {"first name", "saved"}
    page = parsed(fragment, {"first name": "Anna", "saved": 12.0})
    assert [e.text for e in page.select("h2, p")] == ["Anna, welcome", "You saved 12 EUR"]
    assert [e.attr("aria-label") for e in page.select("section")] == ["Anna, welcome"]
    assert "Hello, welcome" in html(fragment)


def test_a_fragment_without_fields_is_one_constant_piece() -> None:
    fragment = banner(FULL, title="Sale", text="x", button="y", link="/z")
    assert fragment.fields == ()
    assert len(fragment.parts) == 1
    assert fragment.fill({"first name": "Anna"}) == fragment.fill({})


def test_the_wrapper_names_rule_and_variant_within_the_slot() -> None:
    wrapper = parsed(banner(FULL, title="Sale")).select_one("div")
    assert wrapper is not None
    assert dict(wrapper.attrs) == {
        "data-tb-rule": "VIP <early>", "data-tb-variant": "early", "class": ["tb-size-home-hero"],
    }  # fmt: skip
    assert 'data-tb-rule="Rule" data-tb-variant="Rule">' in html(banner(BARE, title="Sale"))


@pytest.mark.parametrize(("size_class", "of_banner", "of_html"), [("", True, False), ("tb-size-a", True, True)])
def test_the_stylesheet_comes_before_what_needs_it(size_class: str, of_banner: bool, of_html: bool) -> None:
    frame = replace(FULL, size_class=size_class)
    link = '<link rel="stylesheet" href="/_tb/style.0123.css">'
    assert html(banner(frame, title="a")).startswith(link) is of_banner
    assert html(editor_html(frame, "<p>a")).startswith(link) is of_html


def test_an_editors_file_becomes_pieces_and_a_field() -> None:
    fragment = editor_html(BARE, CART_REMINDER)
    assert fragment.fields == (Field("first name", "Hello"),)
    assert "Hello, your cart is waiting" in html(fragment)
    assert "Jos&#233;, your cart is waiting" in html(fragment, {"first name": "José"})
    assert fragment.removed == ()


def test_an_editors_file_is_sanitised_and_says_so() -> None:
    fragment = editor_html(BARE, '<p onclick="x">{{ a }}</p>\n<script>y</script>')
    assert html(fragment, {"a": "b"}).endswith("><p>b</p>\n</div>")
    assert [(str(removed), removed.line) for removed in fragment.removed] == [
        ("`onclick` of `<p>`", 1),
        ("`<script>`", 2),
    ]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_editors_file_cannot_leave_its_wrapper(attack: str) -> None:
    outer = turbohtml.parse_fragment(f"<main>{html(editor_html(BARE, attack))}</main><footer></footer>")
    assert [child.tag for child in outer if isinstance(child, turbohtml.Element)] == ["main", "footer"]
    assert not outer.select("script, style, iframe, form, object, [onerror], [onclick], [style]")


PAYLOADS = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", "javascript:alert(1)",
    "</div></section><script>alert(1)</script>", "{{ constructor.constructor('alert(1)')() }}", "&lt;script&gt;",
    "<!--", "-->", "]]>", "\u202e<b>", "//evil.example", "/\\evil.example", "%22onload=x", "&#34;onload=x", "\0<b>",
    "`onload=x", "\n<b>",
]  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_visitors_words_stay_words(payload: str) -> None:
    source = "<p title='{{ x }}' data-y=\"{{ x }}\">{{ x }}</p><a href='/hi/{{ x }}?a={{ x }}'>y</a>"
    for fragment in (editor_html(BARE, source), banner(BARE, title="{x}", text="{x}", image="/i", alt="{x}")):
        plain, filled = parsed(fragment, {"x": "word"}), parsed(fragment, {"x": payload})
        assert [e.tag for e in filled.select("*")] == [e.tag for e in plain.select("*")]
        assert [sorted(e.attrs) for e in filled.select("*")] == [sorted(e.attrs) for e in plain.select("*")]
        assert all((e.attr("href") or "/hi/").startswith("/hi/") for e in filled.select("a"))
        assert "{{" not in html(fragment, {"x": payload})


@pytest.mark.parametrize(
    "source",
    [
        "<a href='{{ x }}'>y</a>", "<a href='//{{ x }}'>y</a>", "<a href='https://{{ x }}/a'>y</a>",
        "<a href='https://a.example{{ x }}'>y</a>", "<a href='https:/{{ x }}'>y</a>", "<a href='java{{ x }}'>y</a>",
        "<a href='/\\{{ x }}'>y</a>", "<a href=' {{ x }}'>y</a>", "<a href='tel:{{ x }}'>y</a>",
        "<img src='{{ x }}'>", "<img src=/a srcset='/{{ x }} 2x'>", "<a href='/\t/{{ x }}'>y</a>",
    ],
)  # fmt: skip
def test_a_field_may_not_choose_where_a_link_leads(source: str) -> None:
    with pytest.raises(EditorError, match="may not choose where a link leads") as caught:
        editor_html(BARE, "<p>\n" + source)
    assert caught.value.line == 2
    assert "put the field behind it" in caught.value.help


@pytest.mark.parametrize("address", ["https://a.example/{{ x }}.png", "HTTPS://a.example/?x={{ x }}"])
def test_no_picture_tells_another_host_of_every_visitor(address: str) -> None:
    with pytest.raises(EditorError, match="would be told to another host") as caught:
        editor_html(BARE, f"<p>\n<img src='{address}'>")
    assert caught.value.line == 2
    editor_html(BARE, "<img src='https://a.example/{{ days until 2026-12-24 }}.png'><img src='/img/{{ x }}.png'>")


@pytest.mark.parametrize(
    "source",
    [
        "/{{ x }}",
        "/p/{{ x }}",
        "?q={{ x }}",
        "#{{ x }}",
        "https://a.example/{{ x }}",
        "p/{{ x }}",
        "mailto:a@b?c={{ x }}",
    ],
)
def test_behind_the_beginning_of_an_address_a_field_may_stand(source: str) -> None:
    fragment = editor_html(BARE, f"<a href='{source}'>y</a>")
    assert [field.in_address for field in fragment.fields] == [True]
    link = parsed(fragment, {"x": "//e\\v:?#&"}).select_one("a")
    assert link is not None
    assert link.attr("href") == source.replace("{{ x }}", "%2F%2Fe%5Cv%3A%3F%23%26")


@pytest.mark.parametrize(
    "source",
    [
        "<script>{{ x }}</script>", "<{{ x }}>", "<p {{ x }}>", "<p onclick='{{ x }}'>", "<!-- {{ x }} -->",
        "<p data-{{ x }}='1'>", "<p aria-a{{ x }}>", "<p data-{{ x }}>{{ x }}</p>",
    ],
)  # fmt: skip
def test_a_field_where_nothing_is_shown_is_reported(source: str) -> None:
    with pytest.raises(EditorError, match="stands where it cannot be shown") as caught:
        editor_html(BARE, "\n\n" + source)
    assert caught.value.line == 3


def test_a_file_full_of_fields_is_compiled_at_once() -> None:
    began = time.process_time()
    assert len(editor_html(Wrapper("R"), "{{ first_name }}\n" * 20_000).fields) == 20_000
    assert time.process_time() - began < 5  # a third of a second; looking at all for each took 20


def test_the_same_source_gives_the_same_fragment() -> None:
    assert editor_html(BARE, CART_REMINDER) == editor_html(BARE, CART_REMINDER)


def test_trusted_html_is_left_as_it_stands() -> None:
    assert html(trusted_html("<script src=/é.js></script>")) == "<script src=/&#233;.js></script>"
