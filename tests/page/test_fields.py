from __future__ import annotations

import pytest

from proxy.errors import EditorError
from proxy.model import AttributeValue
from proxy.page.fields import MAX_CHARACTERS, Field, as_ascii, escape, fields_in_template, fields_in_text

NAME = Field("first name", "Hello")


def joined(parts: tuple[str | Field, ...]) -> list[str | Field]:
    """Without empty texts."""
    return [part for part in parts if part]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("no fields", ["no fields"]),
        ("", []),
        ("{first name|Hello}, you", [NAME, ", you"]),
        ("Hi { first   name | Hello }!", ["Hi ", NAME, "!"]),
        ("{a}{b|}", [Field("a"), Field("b")]),
        ("{a|<b>}", [Field("a", "<b>")]),
    ],
)
def test_fields_in_an_editors_text(text: str, parts: list[str | Field]) -> None:
    assert joined(fields_in_text(text)) == parts


@pytest.mark.parametrize("text", ["{", "}", "{}", "{|x}", "{a", "a}", "{{a}}", "{a{b}}"])
def test_a_stray_brace_in_a_text_is_reported(text: str) -> None:
    with pytest.raises(EditorError, match="names no field"):
        fields_in_text(text)


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("<p>{ a } }}</p>", ["<p>{ a } }}</p>"]),
        ('{{ first_name|default("Hello") }}', [NAME]),
        ("{{first_name | default( 'Hello' )}}", [NAME]),
        ('{{ first_name|default("") }}', [Field("first name")]),
        ("{{ orders }}", [Field("orders")]),
        ("a{# {{ nothing }}\n #}b", ["a", "\n", "b"]),
        ('{{ a|default("}") }}', [Field("a", "}")]),
    ],
)
def test_fields_in_an_editors_html(source: str, parts: list[str | Field]) -> None:
    assert joined(fields_in_template(source)) == parts


@pytest.mark.parametrize(
    "wrong",
    [
        "{% if a %}x{% endif %}", "{%", "{{ a", "{{ }}", "{{ a.b }}", "{{ a|upper }}", "{{ a|default(b) }}", "{{ 1 }}",
        "{{ a|safe }}", '{{ "x" }}', "{{ a() }}", "{# x", '{{ a|default("x")|safe }}', "{{- a }}",
    ],
)  # fmt: skip
def test_whatever_else_the_template_language_has_is_refused_at_its_line(wrong: str) -> None:
    with pytest.raises(EditorError, match="I do not understand") as caught:
        fields_in_template("<p>\n{{ fine }}\n" + wrong)
    assert caught.value.line == 3


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Anna", b"Anna"),
        ("  Anna ", b"Anna"),
        ("", b"Hello"),
        ("   ", b"Hello"),
        (None, b"Hello"),
        (12.0, b"12"),
        (-3.0, b"-3"),
        (12.5, b"12.5"),
        (0.1 + 0.2, b"0.3"),
        (1234567890.0, b"1234567890"),
        (1234567890.126, b"1234567890.13"),
        (3, b"3"),
        (float("nan"), b"Hello"),
        (float("inf"), b"Hello"),
        (True, b"Hello"),
        (frozenset({"a"}), b"Hello"),
        ("José 語 🙂", b"Jos&#233; &#35486; &#128578;"),
        ("\ud800", b"&#55296;"),
        ("a\0b\x1b\x85c\nd", b"abc d"),
        ("abc\u202edef\u2066", b"abcdef"),
        ("{{constructor.constructor('x')()}}", b"((constructor.constructor(&#39;x&#39;)()))"),
        ("<b a=\"b\" c='d'>&", b"&lt;b a=&quot;b&quot; c=&#39;d&#39;&gt;&amp;"),
        ("x" * 10_000, b"x" * MAX_CHARACTERS),
    ],
)
def test_a_value_is_shown_as_a_reader_expects_and_does_no_harm(value: AttributeValue | None, shown: bytes) -> None:
    attributes = {} if value is None else {"first name": value}
    assert NAME.text(attributes) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("a b/c", b"a%20b%2Fc"), ("javascript:", b"javascript%3A"), ("é", b"%C3%A9"), ("\ud800", b"%3F"), ("\\", b"%5C")],
)
def test_in_an_address_a_value_is_percent_encoded(value: str, shown: bytes) -> None:
    assert Field("x", in_address=True).text({"x": value}) == shown


def test_a_default_is_escaped_like_a_value() -> None:
    assert Field("x", "<b>").text({}) == b"&lt;b&gt;"
    assert Field("x", "a b", in_address=True).text({}) == b"a%20b"


def test_the_longest_value_fits_a_stored_block() -> None:
    worst = max(Field("x").text({"x": c * MAX_CHARACTERS}) for c in ("\U0010ffff", "'", "語"))
    assert len(worst) <= 10 * MAX_CHARACTERS < 65_535


def test_html_becomes_ascii_without_losing_markup() -> None:
    assert as_ascii("<p>" + escape("é<") + "</p>") == b"<p>&#233;&lt;</p>"


@pytest.mark.parametrize(
    ("text", "total", "shown"),
    [
        ("{€50 - cart total}", 37.5, "\u20ac12.50"),
        ("{€50 - cart total}", 38.0, "\u20ac12"),
        ("{50 EUR - cart total|50 EUR}", 20.004, "30 EUR"),
        ("{50 EUR - cart total|50 EUR}", None, "50 EUR"),
        ("{50 EUR - cart total|50 EUR}", "much", "50 EUR"),
        ("{50,00 € - cart total}", 37.5, "12,50 \u20ac"),
        ("{€ 50.00 - cart total}", 38.0, "\u20ac 12.00"),
        ("{50-cart total}", 80.0, "0"),
        ("{10 - orders}", 3.0, "7"),
        ("{500 points - points}", 400.0, "100 points"),
        ("{cart total}", 64.9, "64.90"),
        ("{cart total}", 64.0, "64"),
        ("{spend in the last 30 days}", 12.5, "12.50"),
        ("{score}", 4.5, "4.5"),
        ("{cart total|none}", float("inf"), "none"),
    ],
)
def test_sums_of_money_and_what_they_leave_of_an_amount(text: str, total: AttributeValue | None, shown: str) -> None:
    (field,) = joined(fields_in_text(text))
    assert isinstance(field, Field)
    known = {} if total is None else {field.attribute: total}
    assert field.value(known) == shown
    assert joined(fields_in_text("{" + field.name + "}"))[0] == Field(field.attribute, left_of=field.left_of)


def test_an_editors_html_may_say_what_is_left_too() -> None:
    (field,) = joined(fields_in_template('{{ 50 - cart_total|default("50") }}'))
    assert isinstance(field, Field) and (field.attribute, field.default) == ("cart total", "50")
    assert field.value({"cart total": 12.5}) == "37.50"


@pytest.mark.parametrize("name", ["size-42", "50", "50 -", "- cart total", "pre-order"])
def test_other_names_with_a_hyphen_are_names(name: str) -> None:
    assert joined(fields_in_text("{" + name + "}")) == [Field(name)]
