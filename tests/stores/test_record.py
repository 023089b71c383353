from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import DamagedValueError, StoreError
from proxy.model import Profile
from proxy.stores.record import MAX_BYTES, is_news, packed, unpacked

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = TEXT | st.floats(allow_nan=False) | st.booleans() | st.frozensets(TEXT, max_size=5)
PROFILES = st.builds(
    Profile,
    TEXT,
    st.dictionaries(TEXT, VALUES, max_size=5),
    st.frozensets(TEXT, max_size=5),
    st.floats(0, 2e9),
    bucket_key=TEXT,
)


@given(PROFILES)
def test_what_is_packed_comes_back(profile: Profile) -> None:
    assert unpacked(packed(profile), profile.visitor_id) == profile


@given(st.binary(max_size=200))
def test_any_bytes_are_a_profile_or_damaged(value: bytes) -> None:
    with pytest.raises(DamagedValueError):
        unpacked(value, "anna")


@given(PROFILES, st.integers(0, 200))
def test_a_value_cut_short_is_damaged(profile: Profile, length: int) -> None:
    value = packed(profile)
    with pytest.raises(DamagedValueError):
        unpacked(value[: min(length, len(value) - 1)], profile.visitor_id)


def test_another_visitors_value_is_damaged() -> None:
    with pytest.raises(DamagedValueError, match="another visitor"):
        unpacked(packed(Profile("ben")), "anna")


def test_a_later_format_is_damaged_not_guessed_at() -> None:
    with pytest.raises(DamagedValueError, match="format"):
        unpacked(msgspec.msgpack.encode([2, "anna", {}, [], 0.0]), "anna")


def test_the_time_of_writing_alone_is_no_news() -> None:
    anna = Profile("anna", {"orders": 4.0, "brands": frozenset({"Hoka"})}, frozenset({"VIP"}), 1.0)
    assert not is_news(replace(anna, updated_at=2.0), packed(anna))
    assert is_news(replace(anna, attributes={"orders": 5.0}), packed(anna))
    assert is_news(replace(anna, segments=frozenset()), packed(anna))
    assert is_news(anna, b"")
    assert is_news(anna, b"damaged")


def test_a_profile_has_a_largest_size() -> None:
    fits = Profile("anna", {"story": "x" * (MAX_BYTES - 100)})
    assert unpacked(packed(fits), "anna") == fits
    with pytest.raises(StoreError, match=f"more than {MAX_BYTES}"):
        packed(Profile("anna", {"story": "x" * MAX_BYTES}))
