"""TCF strings: those made here by the standard's own layout, and broken ones."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.audience.consent import purposes


def consent_string(agreed: set[int], version: int = 2) -> str:
    """A core string with these purposes, by the layout of the standard."""
    fields = [
        (version, 6),
        (1, 36),
        (2, 36),
        (3, 12),
        (4, 12),
        (1, 6),
        (5, 12),
        (6, 12),
        (4, 6),
        (0, 1),
        (0, 1),
        (5, 12),
    ]
    bits = "".join(f"{value:0{width}b}" for value, width in fields)
    bits += "".join("1" if number in agreed else "0" for number in range(1, 25)) + "1" * 60
    padded = bits + "0" * (-len(bits) % 8)
    raw = int(padded, 2).to_bytes(len(padded) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@settings(deadline=None)
@given(st.sets(st.integers(1, 24)))
def test_the_purposes_are_those_that_were_agreed_to(agreed: set[int]) -> None:
    assert purposes(consent_string(agreed)) == agreed
    assert purposes(f"{consent_string(agreed)}.IFoEUQQgAIQwgIwQABAEAAAAOIAACAIA") == agreed, "further parts are others"


@pytest.mark.parametrize("text", ["", ".", "CO", "not base64!", "A" * 10, consent_string({1, 5, 6}, version=1)])
def test_what_is_no_consent_string_agrees_to_nothing(text: str) -> None:
    assert purposes(text) == frozenset()


@settings(deadline=None)
@given(st.text())
def test_no_text_raises(text: str) -> None:
    purposes(text)
