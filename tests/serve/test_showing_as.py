"""A preview's page, decided for its persona."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.decide.why import MOST_READ
from proxy.http.message import Request
from proxy.model import Profile
from proxy.page.piece import Piece
from proxy.page.template import Template
from proxy.rulebook.compile import load
from proxy.serve.showing_as import OVERLAY, ShowingAs
from proxy.visitors.persona import Persona
from proxy.visitors.preview import Preview
from tests.page.cutting import cut
from tests.wire.site import NOON

RULES = b"""rules:
  - {name: Hello, slot: home.hero, when: {first name: any}, show: {banner: {title: "Hello {first name|you}"}}}
  - {name: For phones, slot: home.row, when: {device: phone}, show: {banner: {title: On the go}}}
"""
FOLDER = {
    "a.rules.yaml": RULES,
    "attributes.yaml": b"attributes: {first name: text}",
    "slots.yaml": b"slots: {home.hero: {}, home.row: {}}",
}
PAGE = b"<body><div data-slot=home.hero>a</div><div data-slot=home.row>b</div></body>"
PROFILES: Mapping[str, Profile] = {"anna": Profile("anna", {"first name": "Anna"})}


async def profile_of(visitor: str, now: float) -> Profile | None:
    return PROFILES.get(visitor)


def showing(persona: Persona = Persona()) -> ShowingAs:
    publication = load(FOLDER).publication
    assert publication is not None
    return ShowingAs(publication, Preview(0, "draft", persona), None, profile_of)


async def shown(page: Template, persona: Persona) -> tuple[str, list[str]]:
    shows, request = showing(persona), Request(b"GET", b"/", b"", b"shop.example", ())
    met = await shows.recognise_waiting(page, request, NOON)
    assert not met.visitor.id and met.set_cookie is None, "who looks stays nobody"
    done = shows.show(page, request, met, NOON, "identity")
    assert [story.slot for story in shows.stories] == ["home.hero", "home.row"]
    return b"".join(done.page.chunks).decode(), [decision.rule for decision in done.decisions]


def page(*, declared: bool = True) -> Template:
    made = cut(PAGE, path="/", charset="utf-8", declared=[OVERLAY] if declared else [], max_slots=9)
    assert isinstance(made, Template)
    return made


async def test_a_page_is_decided_for_the_persona_and_says_so_at_its_foot() -> None:
    text, rules = await shown(page(), Persona("anna"))
    assert rules[:2] == ["Hello", ""]
    assert text.index("Hello Anna") < text.index("tailorbird-preview")
    text, rules = await shown(page(declared=False), Persona(attributes={"device": "phone"}))
    assert rules == ["", "For phones"]
    assert "tailorbird-preview" not in text


async def test_of_thousands_of_rules_in_a_slot_the_best_are_explained() -> None:
    rules = "".join(
        f"  - {{name: Rule {number}, slot: home.hero, when: {{country: NO}}, show: {{banner: {{title: x}}}}}}\n"
        for number in range(2 * MOST_READ)
    )
    publication = load({**FOLDER, "b.rules.yaml": b"rules:\n" + rules.encode()}).publication
    assert publication is not None
    shows = ShowingAs(publication, Preview(0, "draft", Persona()), None, profile_of)
    request = Request(b"GET", b"/", b"", b"shop.example", ())
    shows.show(page(), request, await shows.recognise_waiting(page(), request, NOON), NOON, "identity")
    assert [(len(story.rules), story.left_out) for story in shows.stories] == [(MOST_READ, MOST_READ + 1), (1, 0)]


async def test_a_hole_has_no_explanation() -> None:
    holed = Template(("home.hero", "", "home.row"), (Piece(b"-"),) * 4, (Piece(b""),) * 3)
    await shown(holed, Persona())
