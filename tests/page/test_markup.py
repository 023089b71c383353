from __future__ import annotations

import pytest

from proxy.page.markup import Markup


def test_a_page_is_parsed_once_and_again_when_its_tree_was_taken() -> None:
    page = Markup(b"<p>x")
    tree = page.document
    assert page.document is tree
    assert page.take() is tree
    assert page.document is not tree
    assert page.document.equals(tree)


def test_a_page_in_which_nothing_was_changed_is_itself() -> None:
    page = Markup(b"<p>x", "utf-8")
    assert page.of(page.body) is page
    assert (page.of(b"<p>y").body, page.of(b"<p>y").charset) == (b"<p>y", "utf-8")


@pytest.mark.parametrize(
    "written",
    [
        'plain "é"',
        "ä&eacute;&#233;語",
        "a\r\nb\nc",
        "x",
    ],
)
def test_an_attribute_reads_as_it_does_in_a_page_of_utf_8(written: str) -> None:
    tag = f"<P title='{written}' title=second>"
    page = Markup(f"<!-- \r\n -->é{tag}".encode())
    expected = Markup(b"x").document.root
    assert expected is not None
    expected.set_inner_html(tag)
    said = expected.select("p")[0].attr("title")
    assert page.attribute(page.document.select("p")[0], "title") == said
    assert page.attribute(page.document.select("p")[0], "lang") == ""


def test_bytes_that_are_no_utf_8_are_replaced() -> None:
    page = Markup(b"<p title='\xe9'>x</p><script>\xe9\xc3\xa9</script>")
    assert page.attribute(page.document.select("p")[0], "title") == "\ufffd"
    assert page.text_of(page.document.select("script")[0]) == "\ufffd\u00e9"


@pytest.mark.parametrize(
    ("label", "codec", "word"),
    [
        ("windows-1252", "cp1252", "Café €"),
        ("ISO-8859-1", "cp1252", "Café €"),
        ("iso-8859-2", "iso8859-2", "Łódź"),
        ("windows-1251", "cp1251", "Палатка"),
        ("Shift_JIS", "cp932", "表示①"),  # of whose bytes some are backslashes
        ("euc-jp", "euc_jp", "能力"),
        ("big5", "big5", "功能"),
        ("zlib", "utf-8", "é"),
        ("", "utf-8", "é"),
    ],
)
@pytest.mark.parametrize(
    "said", ["header", "<meta charset={}>", "<meta http-equiv=Content-Type content='text/html; charset={}'>"]
)
def test_a_page_is_read_in_its_own_charset(label: str, codec: str, word: str, said: str) -> None:
    head = "" if said == "header" else said.format(label)
    body = f"{head}<p title='{word}'>x</p><script>{word}</script>".encode(codec)
    page = Markup(body, label if said == "header" else "")
    assert page.attribute(page.document.select("p")[0], "title") == word
    assert page.text_of(page.document.select("script")[0]) == word


@pytest.mark.parametrize(
    ("body", "charset", "at"),
    [(b"<p>x", "utf-8", -1), (b"<p>x", " UTF-16le", 0), (b"<p>\0", "", 3), (b"\x1b$B\0", "", 3), (b"\xfe\xff<", "", 0)],
)
def test_a_page_whose_bytes_do_not_say_what_is_markup_is_reported(body: bytes, charset: str, at: int) -> None:
    assert Markup(body, charset).foreign_at == at


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ("<p>é".encode("utf-16"), ""),
        ("<p>é".encode("utf-16"), "utf-16be"),  # what it begins with counts for more
        ("<p>é".encode("utf-16-le"), "Unicode"),
        ("<p>é".encode("utf-16-be"), "utf-16BE"),
        ("<p>é".encode(), "utf-8"),
    ],
)
def test_a_page_is_looked_at_as_a_browser_reads_it(body: bytes, charset: str) -> None:
    assert Markup(body, charset).in_utf8().body.decode().removeprefix("\ufeff") == "<p>é"


@pytest.mark.parametrize(
    ("page", "is_slow"),
    [
        (b"<html><body>" + b"<p>" * 20_000, False),
        (b"<body a=x>" * 20_000, True),
        (b"".join(b"<BoDy a%d=x>" % number for number in range(4_000)), True),
        (b"<HTML %b><html %b>" % (b"a " * 9_000, b" ".join(b"b%d" % number for number in range(9_000))), True),
        (b"<body><script>'<body>'</script><body class=x>" + b"<a b=c>" * 9_000, False),
    ],
)
def test_roots_with_thousands_of_attributes_are_slow_to_parse(page: bytes, is_slow: bool) -> None:
    assert Markup(page).is_slow == is_slow
    assert Markup(page.decode().encode("utf-16"), "utf-16").is_slow == is_slow
