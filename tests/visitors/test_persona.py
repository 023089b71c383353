"""Who one is taken to be: what is not said of a persona is as the request has it."""

from __future__ import annotations

from proxy.conditions.behaviours import BOUGHT, SEARCHED, VIEWED
from proxy.decide.engine import decide
from proxy.decide.why import why, why_text
from proxy.model import Event, Item, Product, Profile
from proxy.rulebook.compile import Publication, load
from proxy.visitors.context import request_of
from proxy.visitors.persona import Persona, context_as

RULES = """version: 1
segments:
  VIP: {description: named by a cookie}
rules:
  - {name: Early, slot: home.hero, priority: high, when: {segment: VIP, country: NO}, show: {banner: {title: Early}}}
  - {name: Buyers, slot: home.hero, when: {orders: at least 2}, show: {banner: {title: Again}}}
  - {name: Search, slot: home.hero, priority: low, when: {search term: boots}, show: {banner: {title: Boots}}}
tests:
  - name: A VIP from Norway
    visitor: {segments: [VIP], country: NO}
    page: /elsewhere
    at: 2026-11-25 12:00
    expect: {home.hero: Early}
"""
DID = """version: 1
rules:
  - {name: Buyers of tea, slot: home.hero, when: {bought: {product: TEA}}, show: {banner: {title: Tea}}}
"""
TEA = Product("TEA", "Tea", "/p/TEA", "drinks", "Northwind", 4.5)
FILES = {"slots.yaml": b"slots: {home.hero: {}}", "attributes.yaml": b"attributes: {orders: number}"}
NOW = 1_795_435_200.0
BOOTS = request_of("/?q=boots")


def published() -> Publication:
    publication = load({"a.rules.yaml": RULES.encode(), **FILES}).publication
    assert publication is not None
    return publication


def test_a_persona_is_its_segments_profile_and_attributes_at_its_time() -> None:
    plan = published().plan
    persona = Persona("anna", ("VIP",), 1_000.0, {"country": "NO"})
    context = context_as(plan, BOOTS, persona, Profile("anna", {"orders": 3.0}), NOW)
    assert (context.targeting_key, context.now) == ("anna", 1_000.0)
    assert decide(plan, context)["home.hero"].rule == "Early"
    without = context_as(plan, BOOTS, Persona("anna"), Profile("anna", {"orders": 3.0}), NOW)
    assert (without.now, decide(plan, without)["home.hero"].rule) == (NOW, "Buyers")


def test_a_place_that_proxies_tell_is_never_that_of_the_profile() -> None:
    plan, at_home = published().plan, Profile("anna", {"city": "Oslo", "orders": 3.0})
    towns = [
        context_as(plan, BOOTS, Persona("anna", attributes=said), at_home, NOW, told=told).attributes.get("city")
        for said in ({}, {"city": "Bern"})
        for told in ((), {"city"})
    ]
    assert towns == ["Oslo", None, "Bern", "Bern"]


def test_what_is_not_said_is_as_the_request_has_it() -> None:
    plan = published().plan
    assert decide(plan, context_as(plan, BOOTS, Persona(), None, NOW))["home.hero"].rule == "Search"


def test_a_persona_may_be_the_visitor_of_a_test_on_another_page() -> None:
    publication = published()
    (case,) = publication.cases
    context = context_as(publication.plan, BOOTS, Persona(case=case.name), None, NOW, case)
    assert (context.now, context.attributes["page"]) == (case.at, "/")
    assert decide(publication.plan, context)["home.hero"].rule == "Early"


def test_a_persona_without_consent_is_anonymous_and_why_says_so() -> None:
    plan, anna = published().plan, Profile("anna", {"orders": 3.0})
    for consent, rule, who in (
        ("profile", "Buyers", "visitor anna at"),
        ("session", "Search", "visitor anna (consent: session) at"),
        ("contextual", "Search", "an anonymous visitor (consent: contextual) at"),
    ):
        context = context_as(plan, BOOTS, Persona("anna", consent=consent), anna, NOW)
        assert decide(plan, context)["home.hero"].rule == rule
        assert f"home.hero on / for {who}" in why_text(why(plan, context))


def test_a_persona_is_told_in_a_line() -> None:
    assert str(Persona("anna", ("VIP",), 0.0, {"country": "NO", "seen": frozenset({"x"})})) == "anna, VIP, country NO"
    assert str(Persona("anna", consent="session")) == "anna, consent session"
    assert (
        str(Persona(attributes={"cart total": 600.0, "club": True})) == "an anonymous visitor, cart total 600, club yes"
    )
    assert str(Persona()) == "an anonymous visitor"


def test_what_a_persona_did_is_read_as_a_history_and_what_is_remembered_of_the_visitor_stays() -> None:
    plan = load({**FILES, "a.rules.yaml": DID.encode()}).publication
    assert plan is not None
    anna = Profile("anna", history=(Event(NOW - 60, "1", VIEWED, items=(Item("MUG"),)),))
    anna.remembered["shopper"] = "of Anna"
    persona = Persona("anna", did={"bought": ("TEA", "CUP"), "searched": ("pots",)})
    context = context_as(plan.plan, BOOTS, persona, anna, NOW, known={"TEA": TEA}.get)
    assert [event.kind for event in context.history] == [VIEWED, BOUGHT, SEARCHED]
    assert context.history[1].items == (Item("TEA", "drinks", "Northwind", 4.5), Item("CUP"))
    assert decide(plan.plan, context)["home.hero"].rule == "Buyers of tea"
    assert "shopper" not in context.remembered and anna.remembered == {"shopper": "of Anna"}
    nobody = context_as(plan.plan, BOOTS, Persona(did=persona.did, consent="none"), None, NOW)
    assert nobody.history == ()


def test_a_test_s_visitor_may_have_done_more() -> None:
    publication = published()
    (case,) = publication.cases
    context = context_as(publication.plan, BOOTS, Persona(case=case.name, did={"cart": ("TEA",)}), None, NOW, case)
    assert [item.product for event in context.history for item in event.items] == ["TEA"]
    assert decide(publication.plan, context)["home.hero"].rule == "Early"
