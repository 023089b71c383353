"""What who looks at a preview is told, in the page and beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from html import unescape

from proxy.decide.plan import compile_plan
from proxy.decide.why import SlotStory, why, why_text
from proxy.model import Between, EvaluationContext, Fact, Rule
from proxy.page.piece import Piece
from proxy.serve.overlay import MAX_BYTES, explained, overlay
from proxy.visitors.persona import Persona
from proxy.visitors.preview import Preview

NOW = 1_795_435_200.0
MANY = Fact("visits", Between(low=3.0), "visits: at least 3")


def stories(count: int = 1, timezone: str = "UTC") -> tuple[SlotStory, ...]:
    rules = [Rule(f"Trail season {n} <b>", "home.hero", MANY, "a", 80, n) for n in range(count)]
    rules.append(Rule("Sale – for all", "home.hero", variant="b"))
    plan = compile_plan([replace(rule, timezone=timezone) for rule in rules])
    return why(plan, EvaluationContext(now=NOW, attributes={"visits": 2.0}))


def test_the_field_says_who_won_and_how_far_off_each_other_was() -> None:
    told = json.loads(explained(stories()))
    assert (told["at"], told["slots"][0]) == (
        "23 Nov 12:00:00 UTC",
        {
            "slot": "home.hero",
            "shown": "Sale – for all",
            "detail": "rule",
            "others": [
                {
                    "rule": "Trail season 0 <b>",
                    "verdict": "not",
                    "fact": "visits: at least 3",
                    "seen": "2",
                    "distance": "1 more needed",
                }
            ],
        },
    )


def test_the_field_is_ascii_and_fits_whatever_happens() -> None:
    line = explained(stories(500))
    assert line.isascii()
    assert len(line) <= MAX_BYTES
    assert json.loads(line)["slots"][0]["shown"] == "Sale – for all"
    assert len(json.loads(line)["slots"][0]["others"]) > 10
    assert explained([]) == b"{}"


def test_the_bar_says_what_it_is_with_the_same_story_as_why() -> None:
    told = stories(timezone="Europe/Amsterdam")
    bar = overlay(Preview(0, "draft", Persona("<anna>")), told, NOW, "/_tb/preview.css").fill({})
    html = b"".join(piece.plain for piece in bar if isinstance(piece, Piece)).decode("ascii")
    assert "Trail season 0 &lt;b&gt;" in html
    text = unescape(html)
    assert "The draft · as <anna> · 23 Nov 13:00:00 Europe/Amsterdam " in text
    assert why_text(told) in text


def test_a_version_and_what_is_live_are_named() -> None:
    for draft, name in (("42", "Version 42"), ("", "What is live"), ("/srv/new rules", "/srv/new rules")):
        bar = overlay(Preview(0, draft), (), NOW, "/x.css").fill({})
        assert name.encode() in b"".join(piece.plain for piece in bar if isinstance(piece, Piece))
