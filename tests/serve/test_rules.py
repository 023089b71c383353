"""The live rules: a folder without findings takes over, any other changes nothing, and what is paused is taken out."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import OperatorError
from proxy.metrics import Metrics
from proxy.rulebook.compile import Loaded, Publication, load
from proxy.rulebook.pauses import Pause, What
from proxy.serve.rules import FAULT, Rules, nothing_published, products_of
from proxy.stores import open_store
from proxy.stores.ruledir import RuleFolder
from proxy.stores.versions import Versions

RULES = "version: 1\nrules:\n  - {name: Sale, slot: home.hero, show: {banner: {title: Sale}}}\n"
RELOADS = "tailorbird_rules_reloads_total"


class Desk:
    """A rule folder, and what is published of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "rules"
        self.folder.mkdir()
        (self.folder / "slots.yaml").write_text("slots: {home.hero: {}}")
        self.published: list[Publication] = []
        self.metrics = Metrics()
        self.store = open_store(f"sqlite:{folder}/shop.db")

    async def read(self, rules: str) -> Rules:
        (self.folder / "a.rules.yaml").write_text(rules)
        live = Rules(
            RuleFolder(self.folder),
            "",
            self.store,
            lambda publication: replace(publication, version="adapted"),
            self.published.append,
            self.metrics,
            lambda: 1_000.0,
        )
        await live.read()
        return live


async def test_a_good_folder_is_published_and_becomes_a_version(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    live = await desk.read(RULES)
    assert [publication.version for publication in desk.published] == ["adapted"]
    assert live.publication is desk.published[0]
    (entry,) = Versions(desk.folder).history()
    assert (entry.action, entry.at) == ("loaded", 1_000.0)
    await desk.store.aclose()


async def test_what_was_live_while_no_version_could_be_written_becomes_one_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As on a disk that was full, also when a folder with findings is saved meanwhile."""
    monkeypatch.setattr("proxy.serve.rules.LATER_SECONDS", 0.01)
    caplog.set_level("INFO")
    desk = Desk(tmp_path)
    (desk.folder / ".tailorbird").mkdir()
    (desk.folder / ".tailorbird" / "versions").write_text("in the way of the folder")
    live = await desk.read(RULES)
    following = asyncio.create_task(live.follow())
    (desk.folder / "a.rules.yaml").write_text("rulez: []")
    async with asyncio.timeout(20):
        while desk.metrics.get(RELOADS, "refused") == 0:
            await asyncio.sleep(0.01)
        (desk.folder / ".tailorbird" / "versions").unlink()
        while not (history := Versions(desk.folder).history()):
            await asyncio.sleep(0.01)
    following.cancel()
    assert Versions(desk.folder).files(history[0].version)["a.rules.yaml"] == RULES.encode()
    assert sum("in no history" in message for message in caplog.messages) == 1, "each try is not told"
    await desk.store.aclose()


async def test_a_folder_with_findings_is_not(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    live = await desk.read(RULES.replace("home.hero", "home.heroo"))
    assert (desk.published, live.publication) == ([], None)
    assert live.loaded is not None
    assert [finding.code for finding in live.loaded.findings] == ["R301"]
    assert desk.metrics.get(RELOADS, "refused") == 1
    assert Versions(desk.folder).history() == []
    await desk.store.aclose()


async def test_a_start_on_a_folder_with_findings_serves_the_last_good_version(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.read(RULES)
    live = await desk.read(RULES.replace("home.hero", "home.heroo"))
    assert live.publication is not None and [rule.slot for rule in live.publication.rules] == ["home.hero"]
    assert live.loaded is not None and [finding.code for finding in live.loaded.findings] == ["R301"]
    assert len(Versions(desk.folder).history()) == 1, "nothing happened to what is live"
    (desk.folder / ".tailorbird/versions/1/a.rules.yaml").chmod(0o644)
    (desk.folder / ".tailorbird/versions/1/a.rules.yaml").write_text(RULES.replace("Sale", "Theirs"))
    assert (await desk.read(RULES.replace("home.hero", "home.heroo"))).publication is None, (
        "what somebody changed is not"
    )
    await desk.store.aclose()


@pytest.mark.parametrize(
    "names_it",
    [
        "slot: home.hero, show: {products: {strategy: {chosen: A}}}",
        "slot: home.hero, show: {products: {strategy: {with tag: autumn}, never: A, boost: {product: A}}}",
        "slot: home.hero, show: {products: {strategy: {in category: coats}, only: {category: coats}}}",
        "listing: search, pin: {product: A}, bury: {product: A, by: to the end}",
    ],
)
async def test_a_product_that_left_the_catalogue_stops_no_rule_at_a_start(tmp_path: Path, names_it: str) -> None:
    desk = Desk(tmp_path)
    products = desk.folder / "products.jsonl"
    products.write_text('{"id": "A", "title": "A", "link": "/a", "category": "coats", "tags": ["autumn"]}\n')
    rules = f"{RULES}  - {{name: Coats, {names_it}}}\n"
    assert len((await desk.read(rules)).publication.rules) == 2  # type: ignore[union-attr]
    products.write_text('{"id": "B", "title": "B", "link": "/b"}\n')
    live = await desk.read(rules + "# and somebody saves another line\n")
    assert live.publication is not None and len(live.publication.rules) == 2
    assert live.loaded is not None and {found.code for found in live.loaded.findings} == {"R502"}
    await desk.store.aclose()


async def test_a_fault_of_ours_with_a_folder_is_told_and_what_was_live_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(tmp_path)
    await desk.read(RULES)

    def failing(files: Mapping[str, bytes], **more: Any) -> Loaded:
        if b"odd" in files["a.rules.yaml"]:
            raise ZeroDivisionError
        return load(files, **more)

    monkeypatch.setattr("proxy.serve.rules.load", failing)
    live = await desk.read(RULES + "# odd")
    assert live.publication is not None and live.publication.rules[0].name == "Sale"
    assert live.loaded is not None and [finding.what for finding in live.loaded.findings] == [FAULT.findings[0].what]
    assert "ZeroDivisionError" in caplog.text
    await desk.store.aclose()


async def test_what_is_paused_is_taken_out(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    Versions(desk.folder).pause([Pause(What.RULE, "Sale")], author="Mia", now=1.0)
    live = await desk.read(RULES)
    assert live.publication is not None
    assert [rule.paused for rule in live.publication.rules] == [True]
    await desk.store.aclose()


async def test_a_draft_is_loaded_beside_what_is_live(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    live = await desk.read(RULES)
    files = {"a.rules.yaml": RULES.replace("Sale", "Bargains").encode(), "slots.yaml": b"slots: {home.hero: {}}"}
    draft = live.draft(files)
    assert draft.publication is not None
    assert (draft.publication.version, draft.publication.rules[0].name) == ("adapted", "Bargains")
    assert len(desk.published) == 1
    await desk.store.aclose()


def test_before_the_first_good_folder_nothing_is_shown() -> None:
    assert nothing_published().rules == ()


def test_the_catalogue_is_read_where_the_setting_says(tmp_path: Path) -> None:
    path = tmp_path / "products.jsonl"
    path.write_text('{"id": "A-1", "title": "Mug", "link": "/p/A-1", "price": "3.00 EUR"}\nnonsense\n')
    assert [product.id for product in products_of(str(path))] == ["A-1"]
    assert products_of("") == ()
    with pytest.raises(OperatorError, match=r"CATALOGUE\): `.*` cannot be read"):
        products_of(str(tmp_path / "none.jsonl"))


async def test_a_publication_leaves_nothing_for_the_first_page_and_looks_for_no_garbage(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    looked: list[str] = []

    def look(phase: str, info: dict[str, int]) -> None:
        looked.append(phase)

    many = "".join(
        f"  - {{name: Sale {n}, slot: home.hero, show: {{banner: {{title: Sale {n}}}}}}}\n" for n in range(300)
    )
    gc.collect()
    gc.callbacks.append(look)
    try:
        live = await desk.read("version: 1\nrules:\n" + many)
    finally:
        gc.callbacks.remove(look)
        gc.unfreeze()
    assert live.publication is not None and "fillings" in vars(live.publication)
    assert len(looked) < 10  # by what runs beside it; while 300 rules were made, some hundreds of times
    await desk.store.aclose()
