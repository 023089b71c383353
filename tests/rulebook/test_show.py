"""What a rule shows, from its lines to the fragment."""

from __future__ import annotations

import pytest

from proxy.catalogue.shop import Shop
from proxy.model import Attributes, Countdown, Decision, EvaluationContext
from proxy.page.piece import Piece
from proxy.page.slots import SLOT_KINDS
from proxy.personalise import Stock, fills_of
from proxy.rulebook.show import MAKERS, NOUNS
from tests.rulebook.conftest import Publish

RULE = "rules:\n  - name: A\n    slot: {}\n    show: {}\n"


def html(publish: Publish, show: str, attributes: Attributes | None = None, slot: str = "home.hero") -> str:
    """What the rule shows a visitor with these attributes."""
    loaded = publish(RULE.format(slot, show))
    assert loaded.publication is not None, loaded.findings
    assert loaded.publication.rules[0].variant == "A"
    published = loaded.publication
    stock = Stock(Shop(published.catalogue), published.asks)
    context = EvaluationContext(attributes=attributes or {})
    _, (fill,) = fills_of((Decision(slot, "A"),), published.plan, published.fragments, context, stock)
    assert fill is not None
    filled = fill.fill(context.attributes)
    return b"".join(part.plain if isinstance(part, Piece) else part for part in filled).decode()


def test_every_kind_of_slot_has_a_maker_and_a_noun() -> None:
    assert MAKERS.keys() == NOUNS.keys() == {kind.name for kind in SLOT_KINDS}


def test_a_banner_is_made_of_its_lines(publish: Publish) -> None:
    shown = html(
        publish, '{banner: {title: "Hi {first name|you}", button: Shop, link: /sale}}', {"first name": "Ann<a"}
    )
    assert "Hi Ann&lt;a" in shown and 'href="/sale"' in shown and 'data-tb-rule="A"' in shown


def test_a_field_that_nobody_fills_is_a_warning_at_its_text(publish: Publish) -> None:
    loaded = publish(RULE.format("home.hero", '{banner: {title: Sale, text: "{oders|No} and {campaign.source}"}}'))
    assert loaded.publication is not None
    (finding,) = loaded.findings
    assert (finding.code, finding.is_warning, finding.place.line) == ("R506", True, 4)
    assert RULE.count("\n") == 4 and finding.place.column == 40 and finding.help == 'did you mean "orders"?'


def test_a_field_of_a_file_that_nobody_fills_is_told_where_the_file_is_named(publish: Publish) -> None:
    hello = "<p>{{ pet_name }}</p>"
    loaded = publish(RULE.format("home.hero", "{banner: hello}"), **{"banners/hello.html": hello})
    (finding,) = loaded.findings
    assert (finding.code, finding.help) == ("R506", "add `pet name` to attributes.yaml")
    assert finding.what == "no visitor has a `pet name`, so everybody sees a gap"
    assert finding.note == "it is in the HTML file that is named here, as {{ pet_name }}"


def test_a_countdown_depends_on_nobody_and_is_read_in_the_files_time_zone(publish: Publish) -> None:
    show = '{banner: {title: "Only {days until 2026-12-24, day/days}"}}'
    loaded = publish("timezone: Asia/Tokyo\n" + RULE.format("home.hero", show))
    assert loaded.publication is not None and not loaded.findings
    (rule,), published = loaded.publication.rules, loaded.publication
    assert rule.countdowns == (Countdown("days", "2026-12-24", 0, "day", "days"),)
    assert not published.filled_in(["home.hero"]).attributes and not published.measures.all
    (title,) = [value for name, value in published.counting["A"].at(1_797_951_600.0).content if name == "title"]
    assert title == ("Only ", "1 day", "")  # 22 December, 15:00 UTC, is the 23rd in Tokyo


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("days until Christmas", "R503 `days until Christmas` names no moment to count to"),
        ("hours left", "R506 no visitor has a `hours left`, so everybody sees a gap"),
        ("countdown", "R506 no visitor has a `countdown`, so everybody sees a gap"),
    ],
)
def test_who_means_a_countdown_is_told_how_one_is_written(field: str, told: str, publish: Publish) -> None:
    loaded = publish(RULE.format("home.hero", f'{{banner: {{title: Sale, text: "Only {{{field}}}"}}}}'))
    (finding,) = loaded.findings
    assert f"{finding.code} {finding.what}" == told and "{days until 2026-12-24" in finding.help
    assert finding.place.column == 40


def test_a_countdown_of_rules_in_a_file_is_mended_to_one_of_files(publish: Publish) -> None:
    loaded = publish("rules: []", **{"banners/x.html": "<p>{days until 2026-12-24, day/days|soon}</p>"})
    (finding,) = loaded.findings
    assert finding.help == 'in a file, write: {{ days until 2026-12-24, day/days|default("soon") }}'


@pytest.mark.parametrize(("name", "is_number"), [("cart total", True), ("orders", True), ("country", False)])
def test_only_a_number_is_taken_from_a_number(name: str, is_number: bool, publish: Publish) -> None:
    told = publish(RULE.format("home.hero", f"{{banner: {{title: '{{5 EUR - {name}|5 EUR}}'}}}}")).findings
    assert [(finding.code, finding.what) for finding in told] == (
        [] if is_number else [("R506", "`country` is no number to take from another")]
    )


def test_a_banner_may_be_a_file(publish: Publish) -> None:
    assert '<a href="/sale"' in html(publish, "{banner: promo}")


def test_a_row_shows_products_with_the_card_that_is_named(publish: Publish) -> None:
    plain = html(publish, "{products: {title: Boots, strategy: {in category: shoes}}}")
    assert "Boots" in plain and 'href="/p/SKU-1"' in plain
    assert "<p>Trail runner</p>" in html(publish, "{products: {strategy: [{chosen: SKU-1}], card: wide, count: 1}}")


def test_a_slot_with_a_declared_size_keeps_it(publish: Publish) -> None:
    assert 'class="tb-size-all-topbar"' in html(publish, "{banner: promo}", slot="all.topbar")


def test_nothing_new_has_no_fragment(publish: Publish) -> None:
    loaded = publish(RULE.format("home.hero", "nothing new"))
    assert loaded.publication is not None
    assert not loaded.publication.fragments and loaded.publication.rules[0].variant == ""


@pytest.mark.parametrize(
    ("show", "code", "what", "column"),
    [
        ("nothing", "R304", '"show" cannot be "nothing"', 11),
        ("", "R104", "this show is empty", 10),
        ("{baner: promo}", "R101", 'I do not know "baner" in a show', 12),
        ("{banner: {}}", "R104", "this banner is empty", 20),
        ("{banner: {text: Hi}}", "R103", 'this banner has no "title"', 21),
        ("{banner: prommo}", "R501", "there is no file banners/prommo.html", 20),
        ("{banner: {title: Hi, image width: wide}}", "R304", '"image width" cannot be "wide"', 45),
        ("{banner: {title: Hi, link: javascript:a}}", "R503", "`javascript:a` is not an address I may link to", 38),
        (
            "{banner: {title: Hi, image: 'C:\\a.png'}}",
            "R503",
            "`C:\\a.png` is not where visitors can get a picture",
            39,
        ),
        ("{banner: promo, products: {}}", "R104", "a rule shows one thing", 27),
        ("{products: {strategy: {chosen: SKU-1}, count: 0}}", "R304", '"count" cannot be "0"', 57),
        ("{products: {strategy: {chosen: SKU-1}, only: cheap}}", "R304", '"only" cannot be "cheap"', 56),
        ("{products: {strategy: {chosen: SKU-1}, card: wid}}", "R501", "there is no file cards/wid.html", 56),
    ],
)
def test_what_cannot_be_shown_is_reported(show: str, code: str, what: str, column: int, publish: Publish) -> None:
    first = publish(RULE.format("home.hero", show)).findings[0]
    assert (first.code, first.what, first.place.line, first.place.column) == (code, what, 4, column)
    assert first.help


@pytest.mark.parametrize(
    ("file", "text", "code", "line"),
    [
        ("banners/promo.html", "<p>Hi</p>\n{% if x %}", "R503", 2),
        ("banners/promo.html", "<p>Hi</p>\n<script>1</script>", "R504", 2),
        ("banners/promo.html", "<p>Hi</p>\n{first name|you}", "R503", 2),
        ("banners/promo.html", "<p>Hi</p>\n<a title='{nickname}'>x</a>", "R503", 2),
        ("banners/promo.html", "<p>Hi</p>\n<p class=“big”>x</p>", "L17", 2),
        ("banners/promo.html", "  \n", "L17", 1),
        ("cards/wide.html", "<p>\n{{ product.titel }}</p>", "R503", 2),
        ("cards/wide.html", "<p>{{ product.title }}</p>\n<iframe></iframe>", "R504", 2),
    ],
)
def test_faults_within_a_file_are_told_there_whether_it_is_used_or_not(
    file: str, text: str, code: str, line: int, publish: Publish
) -> None:
    found = publish("rules: []", **{file: text}).findings
    assert [(finding.code, finding.place.file, finding.place.line) for finding in found] == [(code, file, line)]


def test_a_field_of_rules_in_a_file_is_a_warning_that_can_be_mended(publish: Publish) -> None:
    html = '<p title="{first name|you}">{{ first_name }} {nickname} {a-b} {} {"x": 1}</p>'
    found = publish("rules: []", **{"banners/promo.html": html}).findings
    assert [(finding.what, finding.is_warning) for finding in found] == [
        ("`{first name|you}` is shown as it stands", True),
        ("`{nickname}` is shown as it stands", True),
    ]
    assert [edit.replacement for finding in found for edit in finding.edits] == [
        '{{ first_name|default("you") }}',
        "{{ nickname }}",
    ]


def test_a_row_that_could_never_have_enough_products_is_told(publish: Publish) -> None:
    row = "{products: {strategy: [popular in: everything], at least: 5}}"
    (finding,) = publish(RULE.format("home.hero", row)).findings
    assert (finding.code, finding.what) == ("R503", "the row has room for 4, and is to have 5 at least")
