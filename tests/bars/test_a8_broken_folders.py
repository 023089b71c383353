"""200 broken rule folders written over a live one: the last good plan keeps serving, no request fails, and the
findings say why."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.studio.views import status_view
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok

PAGE = b'<html><body><div data-slot="home.hero">ours</div></body></html>'
HTML = (b"content-type: text/html; charset=utf-8", b"cache-control: max-age=600")
RULES = """version: 1
segments:
  Buyers:
    when: {orders: at least 2}
rules:
  - name: Winter
    slot: home.hero
    from: 2020-01-01
    unless: {segment: Buyers}
    show: {banner: {title: Winter is here, link: /sale}}
"""
FOLDER = {
    "a.rules.yaml": RULES,
    "slots.yaml": "slots:\n  home.hero: {}\n",
    "attributes.yaml": "attributes:\n  orders: number\n",
}
BOMB = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))

Break = Callable[[Path, random.Random], None]


def half_written(folder: Path, dice: random.Random) -> None:
    start = RULES.index("rules:") + 8
    (folder / "a.rules.yaml").write_text(RULES[: dice.randrange(start, RULES.index("show:"))])


def empty(folder: Path, dice: random.Random) -> None:
    (folder / "a.rules.yaml").write_text("")


def deleted(folder: Path, dice: random.Random) -> None:
    (folder / "a.rules.yaml").unlink()


def byte_order_mark_of_another_charset(folder: Path, dice: random.Random) -> None:
    (folder / "a.rules.yaml").write_bytes(RULES.encode("utf-16"))


def link_out_of_the_folder(folder: Path, dice: random.Random) -> None:
    (folder / "a.rules.yaml").unlink()
    (folder / "a.rules.yaml").symlink_to("/etc/hostname")


def yaml_bomb(folder: Path, dice: random.Random) -> None:
    (folder / "a.rules.yaml").write_text(BOMB)


def misspelt(folder: Path, dice: random.Random) -> None:
    word = dice.choice(["slot:", "show:", "banner:", "segment:", "title:", "Buyers:", "home.hero"])
    (folder / "a.rules.yaml").write_text(RULES.replace(word, "x" + word, 1))


def random_bytes(folder: Path, dice: random.Random) -> None:
    (folder / "slots.yaml").write_bytes(dice.randbytes(200))


def whole_folder_gone(folder: Path, dice: random.Random) -> None:
    while folder.exists():  # while it is taken away, the last good rules may be kept in it
        shutil.rmtree(folder, ignore_errors=True)


BREAKS: list[Break] = [
    half_written,
    empty,
    deleted,
    byte_order_mark_of_another_charset,
    link_out_of_the_folder,
    yaml_bomb,
    misspelt,
    random_bytes,
    whole_folder_gone,
]
SIZE = 200 if os.environ.get("BAR_FULL") else len(BREAKS)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.mark.bar("A8")
async def test_the_last_good_plan_outlives_every_broken_folder(tmp_path: Path) -> None:
    dice = random.Random(8)
    answers: list[bool] = []

    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path) as shop:
        site = shop.tailorbird.desk

        async def visit() -> None:
            while True:
                answer = await shop.client.get("/")
                answers.append(answer.status_code == 200 and "Winter is here" in answer.text)

        visiting = asyncio.create_task(visit())
        good = site.publication
        assert good is not None
        for number in range(SIZE):
            BREAKS[number % len(BREAKS)](shop.rules, dice)
            await until(lambda: bool(site.findings))
            assert site.publication is not None
            assert site.publication.version == good.version
            status = await status_view(site)
            assert status.state == "degraded"
            assert status.findings[0].what
            assert status.findings[0].help

            for name, text in FOLDER.items():
                (shop.rules / name).unlink(missing_ok=True)
                shop.write(name, text)
            await until(lambda: not site.findings)
        assert (await status_view(site)).state == "ready"
        visiting.cancel()
    print(f"\nA8: {SIZE} broken folders, {len(answers)} requests, {answers.count(False)} wrong")
    assert len(answers) > SIZE
    assert all(answers)
