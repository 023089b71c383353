"""The nouns keep the promises others rest on: those that say what is kept of the origin."""

from __future__ import annotations

from proxy.model import CacheVerdict


def test_a_verdict_is_true_when_it_allows() -> None:
    assert CacheVerdict(True, "fresh")
    assert not CacheVerdict(False, "private")
