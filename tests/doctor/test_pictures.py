"""Whether the shop has the pictures that rules show."""

from __future__ import annotations

import pytest

from proxy.doctor.fetched import Level, Line
from proxy.doctor.pictures import MOST, Shown, link_lines, links_of, picture_lines, pictures_of
from proxy.rulebook.check import check
from tests.rulebook.conftest import FILES

BANNERS = """rules:
  - {name: Sale, slot: home.hero, show: {banner: {title: "{first name|You}", image: /img/säle.webp}}}
  - {name: Twice, slot: home.hero, show: {banner: {title: x, image: /img/säle.webp}}}
  - {name: Far, slot: home.hero, show: {banner: {title: x, image: "https://img.example/a.webp"}}}
  - {name: Bare, slot: home.hero, show: {banner: {title: x}}}
  - {name: File, slot: home.hero, show: {banner: own}}
"""


def test_the_shops_own_pictures_are_found_each_once() -> None:
    html = "<p><img src='/a.png?v=1&amp;w=2' alt=''><img src='b.png' alt=''><img src='//x.example/c.png' alt=''></p>"
    files = {**FILES, "a.rules.yaml": BANNERS, "banners/own.html": html}
    checked = check({name: text.encode() for name, text in files.items()})
    assert pictures_of(checked.fragments) == {"/img/säle.webp": "Sale", "/a.png?v=1&w=2": "File"}
    many = "rules:\n" + "".join(
        f"  - {{name: R{n}, slot: home.hero, show: {{banner: {{title: x, image: /{n}.png}}}}}}\n"
        for n in range(MOST + 9)
    )
    assert len(pictures_of(check({"a.rules.yaml": many.encode()}).fragments)) == MOST


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({}, []),
        (
            {"/a": Shown(200, "image/webp"), "/b": Shown(200, "image/png")},
            [(Level.OK, "all 2 that rules show are there")],
        ),
        (
            {"/a": Shown(404, "text/html"), "/b": Shown(200, "text/html"), "/c": Shown(200, ""), "/d": Shown(0, "")},
            [
                (Level.WARN, '/a, which "A" shows, answers 404'),
                (Level.WARN, '/b, which "B" shows, is text/html, no picture'),
                (Level.WARN, '/c, which "C" shows, is of no kind, no picture'),
                (Level.WARN, '/d, which "D" shows, does not answer'),
            ],
        ),
    ],
)
def test_what_is_no_picture_is_reported(answers: dict[str, Shown], told: list[tuple[Level, str]]) -> None:
    lines: list[Line] = list(picture_lines({f"/{name}": name.upper() for name in "abcd"}, answers))
    assert [(line.level, line.says) for line in lines] == told


def test_the_shops_own_pages_are_found_each_once() -> None:
    html = "<p><a href='/c/shoes?a=1&amp;b=2'>x</a><a href='https://x.example/'>x</a><a href='#top'>x</a></p>"
    rules = "rules:\n  - {name: Sale, slot: home.hero, show: {banner: {title: x, link: /sale}}}\n"
    rules += "  - {name: File, slot: home.hero, show: {banner: own}}\n"
    files = {**FILES, "a.rules.yaml": rules, "banners/own.html": html}
    checked = check({name: text.encode() for name, text in files.items()})
    assert links_of(checked.fragments) == {"/sale": "Sale", "/c/shoes?a=1&b=2": "File"}


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({}, []),
        (
            {"/a": Shown(200, ""), "/b": Shown(302, ""), "/c": Shown(401, "")},
            [(Level.OK, "all 3 of banners lead to a page")],
        ),
        (
            {"/a": Shown(404, ""), "/b": Shown(500, ""), "/c": Shown(0, ""), "/d": Shown(301, "")},
            [
                (Level.WARN, '/a, where "A" leads, answers 404'),
                (Level.WARN, '/b, where "B" leads, answers 500'),
                (Level.WARN, '/c, where "C" leads, does not answer'),
            ],
        ),
    ],
)
def test_what_leads_to_no_page_is_reported(answers: dict[str, Shown], told: list[tuple[Level, str]]) -> None:
    lines: list[Line] = list(link_lines({f"/{name}": name.upper() for name in "abcd"}, answers))
    assert [(line.level, line.says) for line in lines] == told
