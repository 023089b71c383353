from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.audience.results import HELD_OUT
from proxy.metrics import Decided
from proxy.model import Attributes, Decision, Reason
from proxy.page.fragments import Fragment, ProductIds, Wrapper, banner, editor_html
from proxy.page.json_fills import EXPOSURES, LONGEST_EXPOSURES, JsonForm, exposures_line, in_json_form
from proxy.page.piece import Piece
from proxy.page.product_row import VisitorFragment

BANNER = banner(
    Wrapper("For VIPs"),
    title='{first name|You} say "hi"',
    text="Caf\u00e9 \\o/",
    button="Shop",
    link="/sale?a=1&b=2",
    image="/a.png",
    image_width=10,
    image_height=5,
)
DECISION = Decision("home.hero", "For VIPs b", Reason.TARGETING_MATCH, "For VIPs")
AWKWARD = ['Anna "x" \\', "<script>", "caf\u00e9\n\u2028", "\ud800", "a\tb", "\\u0041", "{{x}}", ""]


def read(fragment: Fragment, form: JsonForm, attributes: Attributes) -> Any:
    made = in_json_form(fragment, form, DECISION)
    parts = [part.plain if isinstance(part, Piece) else part for part in made.fill(attributes)]
    return json.loads(b"".join(parts))


def html(fragment: Fragment, attributes: Attributes) -> str:
    return b"".join(p.plain if isinstance(p, Piece) else p for p in fragment.fill(attributes)).decode()


@pytest.mark.parametrize("name", AWKWARD)
def test_where_a_text_stands_the_html_stands_as_a_text(name: str) -> None:
    attributes = {"first name": name}
    assert read(BANNER, JsonForm.TEXT, attributes) == html(BANNER, attributes)


@pytest.mark.parametrize("name", AWKWARD)
def test_elsewhere_stands_what_the_banner_says_by_name(name: str) -> None:
    attributes = {"first name": name}
    said = read(BANNER, JsonForm.OBJECT, attributes)
    assert said.pop("html") == html(BANNER, attributes)
    shown = said.pop("title").removesuffix(' say "hi"')
    assert shown == (name.strip() and shown) or shown == "You"
    assert said == {
        "rule": "For VIPs",
        "variant": "For VIPs b",
        "text": "Caf\u00e9 \\o/",
        "button": "Shop",
        "link": "/sale?a=1&b=2",
        "image": "/a.png",
        "image_width": 10,
        "image_height": 5,
    }


def test_a_visitors_words_are_plain_for_who_draws_them() -> None:
    assert read(BANNER, JsonForm.OBJECT, {"first name": "<Anna> \\"})["title"] == '<Anna> \\ say "hi"'


def test_an_editors_file_says_its_html_and_whose_it_is() -> None:
    fragment = editor_html(Wrapper("For VIPs"), '<p title="a">Hello {{ first_name }}</p>')
    said = read(fragment, JsonForm.OBJECT, {"first name": "A"})
    assert set(said) == {"rule", "variant", "html"}
    assert (said["rule"], said["variant"]) == ("For VIPs", "For VIPs b")


def test_a_fragment_without_fields_is_one_piece_for_everybody() -> None:
    assert in_json_form(banner(Wrapper("r"), title="Hi"), JsonForm.TEXT, DECISION).constant is not None


def test_a_row_for_one_visitor_is_written_as_any_other_and_not_kept() -> None:
    row = VisitorFragment(
        (Piece(b"<ul>"), Piece(b"<li>"), Piece(b"</ul>")),
        content=(("title", ("For you",)), ("products", ProductIds(('A"1', "B")))),
    )
    assert read(row, JsonForm.OBJECT, {}) == {
        "rule": "For VIPs",
        "variant": "For VIPs b",
        "title": "For you",
        "products": ['A"1', "B"],
        "html": "<ul><li></ul>",
    }


@pytest.mark.parametrize(("slots", "told"), [(1, 1), (50, 17)])
def test_the_events_of_an_answer_are_told_in_few_enough_bytes_for_proxies(slots: int, told: int) -> None:
    decisions = [Decision(f"slot.{n}", "Caf\u00e9", Reason.TARGETING_MATCH, "Caf\u00e9") for n in range(slots)]
    name, _, value = exposures_line(Decided.by(tuple(decisions))).partition(b": ")
    assert (name, len(value) <= LONGEST_EXPOSURES + 2, value.isascii()) == (EXPOSURES, True, True)
    first, *_ = events = json.loads(value)
    assert len(events) == told
    assert first == {
        "event": "Promotion Viewed",
        "properties": {"promotion_id": "Caf\u00e9", "creative": "Caf\u00e9", "position": "slot.0"},
    }


def test_a_row_without_products_was_not_shown_and_a_holdout_is_called_as_results_call_it() -> None:
    row = Decision("a", "Row / b", Reason.SPLIT, "Row", arm="b")
    held = Decision("b", "", Reason.SPLIT, "", detail="holdout", withheld="Held")
    line = exposures_line(Decided((row, held), (), is_personal=True, empty=["a"]))
    assert [event["properties"] for event in json.loads(line.partition(b": ")[2])] == [
        {"experiment_name": "Row", "variation_name": "Row / b"},
        {"experiment_name": "Held", "variation_name": HELD_OUT},
    ]
    assert exposures_line(Decided((row,), (), is_personal=True, unmet=["a"])) == b""
