"""From a folder's files to a publication."""

from __future__ import annotations

import gc
from pathlib import Path

from proxy.decide.engine import decide
from proxy.garbage import collector_paused
from proxy.model import EvaluationContext, Product
from proxy.rulebook.compile import load, version_of
from proxy.stores.ruledir import read_folder
from tests.rulebook.conftest import Publish

RULES = """
segments: {VIP: {when: {orders: at least 4}}}
rules:
  - {name: Early access, slot: home.hero, when: {segment: VIP}, show: {banner: promo}}
  - {name: Quiet, slot: home.hero, priority: low, when: {orders: at least 1}, show: nothing new}
"""


def test_a_good_folder_decides(publish: Publish) -> None:
    publication = publish(RULES).publication
    assert publication is not None
    shown = [
        decide(publication.plan, EvaluationContext(attributes={"orders": orders}), ["home.hero"])["home.hero"]
        for orders in (5.0, 1.0, 0.0)
    ]
    assert [decision.rule for decision in shown] == ["Early access", "Quiet", ""]
    assert shown[0].variant in publication.fragments and not shown[1].variant
    assert [slot.name for slot in publication.declared] == ["home.hero", "all.topbar"]
    assert publication.plan.version == publication.version


def test_a_folder_with_a_finding_gives_no_publication(publish: Publish) -> None:
    loaded = publish(RULES.replace("promo", "prommo"))
    assert loaded.publication is None and [finding.code for finding in loaded.findings] == ["R501"]
    assert "prommo" in loaded.sources["a.rules.yaml"]


def test_a_warning_stops_nothing(publish: Publish) -> None:
    loaded = publish(RULES, **{"products.jsonl": "{}"})
    assert loaded.publication is not None and [finding.code for finding in loaded.findings] == ["R505"]


def test_the_version_names_the_content_and_nothing_else() -> None:
    files = {"a.rules.yaml": b"rules: []", "b.rules.yaml": b"rules: []"}
    version = version_of(files)
    assert len(version) == 12 and version == version_of(dict(reversed(files.items())))
    assert version != version_of({**files, "a.rules.yaml": b"rules: [] "})
    assert version != version_of({"a.rules.yaml": b"rules: []b.rules.yamlrules: []"})
    assert version != version_of(files, [Product("A", "A", "/a")])


def test_a_given_catalogue_stands_in_for_the_folders_own() -> None:
    rule = b"rules: [{name: A, slot: s, show: {products: {strategy: {chosen: B}}}}]"
    files = {"a.rules.yaml": rule, "slots.yaml": b"slots: {s: {}}"}
    own = {**files, "products.jsonl": b'{"id": "B", "title": "B", "link": "/b"}'}
    assert [found.code for found in load(own, catalogue=[Product("C", "C", "/c")]).findings] == ["R502"]
    assert load(own).findings == load(files, catalogue=[Product("B", "B", "/b")]).findings == []


def test_a_slot_placed_on_other_pages_is_not_on_this_one() -> None:
    rules = b"rules: [{name: A, slot: all, show: nothing new}, {name: B, slot: home, show: nothing new}]"
    publication = load({"a.rules.yaml": rules, "slots.yaml": b"slots: {all: {}, home: {page: /}}"}).publication
    assert publication is not None
    assert publication.slots_on("/") == ["all", "home"]
    assert publication.slots_on("/sale") == ["all"]


def test_nothing_of_a_publication_or_of_making_it_hangs_together_in_a_circle() -> None:
    """Else it would stay in memory for good: what is there to stay is not looked through for garbage."""
    demo = read_folder(Path(__file__).parent.parent.parent / "rules")
    wrong = {**demo, "wrong.rules.yaml": b"rules:\n  - nmae: A\n  - {name: B, when: {contry: NO}}\n   - : ["}
    gc.unfreeze()  # what tests before this one left
    with collector_paused():
        for files in (demo, wrong):
            load(files)  # what is made once and kept
            gc.collect()
            loaded = load(files)
            assert gc.collect() == 0
            del loaded
            assert gc.collect() == 0
    gc.unfreeze()
