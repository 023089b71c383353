from __future__ import annotations

from proxy.doctor.proposal import HOLES, Copies, proposal_lines, proposed
from proxy.page.tokens import masked
from tests.doctor.test_checkup import line_of
from tests.doctor.test_proposal import as_read, page_of

SECRET = "msPRmaxl2e94G0RTqnXkZs2eJptkU36K"
MASK = "Q7fW2pLxN0aVt5KcR8zHbJ3mUe6GyDsi"
HEAD = (
    (b"vary", b"Cookie, Accept-Language, Accept-Encoding"),
    (b"etag", b'W/"324e61f0de574e4c79a6c53c8f2225f0"'),
    (b"set-cookie", b'oscar_history="[1]"; Max-Age=604800; HttpOnly; Path=/; SameSite=Lax'),
    (b"set-cookie", b"csrftoken=" + SECRET.encode() + b"; Max-Age=31449600; Path=/; SameSite=Lax"),
)
OSCAR = """<!doctype html><html lang="en-gb"><head><meta name="created" content="{made}" /></head><body>
<form id="language_selector" action="/i18n/setlang/" method="post">
<input type="hidden" name="csrfmiddlewaretoken" value="{token}"></form><article class="product_page"><h1>Thing 1</h1>
<form id="add_to_basket_form" action="/basket/add/1/" method="post">
<input type="hidden" name="csrfmiddlewaretoken" value="{token}"></form></article></body></html>"""
"""A product's page of django-oscar 4.2, cut short."""


def oscar(made: str = "27th Nov 2026 20:46") -> bytes:
    return OSCAR.format(made=made, token=masked(SECRET, MASK)).encode()


def test_what_visitors_lose_by_the_policy_stands_beside_it() -> None:
    page = page_of(oscar(), *HEAD)
    made = proposed(Copies(page, page, page, "/catalogue/*"))
    assert made is not None
    as_read(made)
    assert "drop set-cookie: [oscar_history, csrftoken]" in made.text
    assert "# Kept pages do not set oscar_history. If visitors need it," in made.text
    assert "# forms change it: no   # if" in made.text
    plain = page_of(b"<!doctype html><p>About us</p>")
    other = proposed(Copies(plain, plain, None, "/about"))
    assert other is not None and "# forms" not in other.text and "# Kept" not in other.text


def test_a_page_that_says_when_it_was_made_stays_its_visitors_own_and_how_to_mend_that_is_told() -> None:
    copies = Copies(page_of(oscar(), *HEAD), page_of(oscar("27th Nov 2026 20:47"), *HEAD), None, "/catalogue/*")
    made = proposed(copies)
    assert [line.fix for line in proposal_lines(copies, made)] == [HOLES]
    assert made is not None and "meta@content" in made.unsolved[0].replace(":nth-of-type(1)", "")
    as_read(made)


def test_django_is_known_to_compare_addresses() -> None:
    assert line_of(page_of(oscar(), *HEAD), "forms").fix.startswith("set TAILORBIRD_KEEP_HOST=true, or name")
