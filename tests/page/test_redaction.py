from __future__ import annotations

import pytest

from proxy.page.holes import Fill, FillKind, Hole, Redacted
from proxy.page.markup import Markup
from proxy.page.redaction import NotRedacted, nonces_in, redacted, with_nonce, without_nonces

NONCE = Fill(FillKind.NONCE)
NOTHING = Fill(FillKind.NOTHING)
TOKEN = Hole("input[name=t]", NONCE, "value")


def page(body: bytes, *holes: Hole) -> Redacted:
    made = redacted(Markup(body), holes)
    assert isinstance(made, Redacted), made
    return made


@pytest.mark.parametrize(
    "written", [b"value=secret-1", b"value='secret-1'", b'VALUE = "secret-1"', b"value", b'value=""']
)
def test_an_attribute_is_emptied_however_it_is_written(written: bytes) -> None:
    made = page(b"<p>a\r\n<input name=t %b>b" % written, TOKEN)
    name = b"VALUE" if written.startswith(b"V") else b"value"
    assert made.body == b'<p>a\r\n<input name=t %b="">b' % name
    assert made.body[: made.holes[0].at].endswith(b'="')


def test_the_content_of_an_element_is_emptied_with_all_that_is_in_it() -> None:
    made = page(b"<div id=cart><b>3</b> <input name=t value=12345678></div>rest", Hole("#cart", NOTHING), TOKEN)
    assert made.body == b"<div id=cart></div>rest"
    assert [hole.at for hole in made.holes] == [13]


def test_a_page_has_as_many_holes_as_it_has_matches() -> None:
    made = page(b"<input name=t value=a><input name=t value=b><input name=t>", TOKEN)
    assert made.body == b'<input name=t value=""><input name=t value=""><input name=t>'
    assert len(made.holes) == 2
    assert page(b"<p>none", TOKEN).body == b"<p>none"


def test_what_stood_in_an_attribute_may_stand_nowhere_else() -> None:
    no = redacted(Markup(b"<input name=t value=secret-1>\n<script>let t='secret-1'</script>"), [TOKEN])
    assert str(no) == "hole-elsewhere at the page, line 2"
    # A short text stands there by chance, and so may what people read.
    assert isinstance(redacted(Markup(b"<input name=t value=3>3"), [TOKEN]), Redacted)
    assert isinstance(redacted(Markup(b"<i>your cart</i> your cart"), [Hole("i", NOTHING)]), Redacted)


@pytest.mark.parametrize(
    ("body", "hole"),
    [(b"<li>open", Hole("li", NOTHING)), (b"<script>let a=1</script>", Hole("script", Fill(FillKind.COOKIE, "a")))],
)
def test_a_hole_whose_end_or_language_is_unclear_keeps_the_page_out(body: bytes, hole: Hole) -> None:
    no = redacted(Markup(body), [hole])
    assert isinstance(no, NotRedacted) and no.reason == "hole-unclear" and no.place is not None


def test_a_page_whose_bytes_do_not_say_what_is_markup_is_kept_out() -> None:
    assert redacted(Markup("<p>x".encode("utf-16")), [TOKEN]) == NotRedacted("charset")


def test_a_policys_nonces_are_holes_that_nothing_runs_by() -> None:
    policy = b"script-src 'self' 'nonce-abc'; style-src 'NONCE-def'"
    assert nonces_in(policy) == {b"abc", b"def"}
    assert nonces_in(without_nonces(policy)) == set()
    assert with_nonce(without_nonces(policy), b"N") == b"script-src 'self' 'nonce-N'; style-src 'nonce-N'"
