from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.errors import OperatorError
from proxy.visitors.signing import Keyring

OLD, NEW = "an older key of 24 bytes", "a newer key of 24 bytes!"
SIGNED = Keyring(NEW).sign(b"greeting", b"hello")


@given(st.binary(max_size=100), st.binary(max_size=20))
def test_what_was_signed_opens_again(payload: bytes, purpose: bytes) -> None:
    keys = Keyring(NEW)
    assert keys.open(purpose, keys.sign(purpose, payload)) == payload


@given(st.text("abc", min_size=16, max_size=200), st.binary(max_size=200))
@example("a" * 64, b"")
@example("a" * 65, b"")
def test_a_signature_is_an_hmac_whatever_the_keys_length(key: str, payload: bytes) -> None:
    head, _, signature = Keyring(key).sign(b"greeting", payload).rpartition(b".")
    expected = hmac.digest(key.encode(), b"greeting\n" + head, "sha256")
    assert signature == urlsafe_b64encode(expected).rstrip(b"=")


def test_a_value_signed_for_one_purpose_is_worthless_for_another() -> None:
    assert Keyring(NEW).open(b"farewell", SIGNED) is None


def test_the_first_key_signs_and_every_key_verifies() -> None:
    before, during, after = Keyring(OLD), Keyring(f"{NEW},{OLD}"), Keyring(NEW)
    old_value = before.sign(b"greeting", b"hello")
    assert during.open(b"greeting", old_value) == b"hello"
    assert during.sign(b"greeting", b"hello") == SIGNED
    assert after.open(b"greeting", SIGNED) == b"hello"
    assert after.open(b"greeting", old_value) is None


@given(st.data())
def test_a_value_changed_anywhere_does_not_open(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(SIGNED) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != SIGNED[at]))
    changed = SIGNED[:at] + bytes([other]) + SIGNED[at + 1 :]
    assert Keyring(NEW).open(b"greeting", changed) is None


@given(st.binary(max_size=120) | st.lists(st.sampled_from([b"v1", b"", b".", *SIGNED.split(b".")])).map(b".".join))
def test_no_bytes_open_but_those_we_signed(value: bytes) -> None:
    assert value == SIGNED or Keyring(NEW).open(b"greeting", value) is None


@pytest.mark.parametrize("cut", range(1, len(SIGNED)))
def test_a_value_cut_short_does_not_open(cut: int) -> None:
    assert Keyring(NEW).open(b"greeting", SIGNED[:cut]) is None


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        ("", "there is no signing key"),
        (" , ,", "there is no signing key"),
        ("changeme", "shorter than 16 bytes"),
        (f"{NEW},short", "shorter than 16 bytes"),
    ],
)
def test_a_missing_or_short_key_is_refused(secret: str, problem: str) -> None:
    with pytest.raises(OperatorError, match=problem) as refusal:
        Keyring(secret)
    assert "openssl rand" in refusal.value.help


def test_a_refusal_does_not_tell_the_key() -> None:
    with pytest.raises(OperatorError) as refusal:
        Keyring("short secret")
    assert "short secret" not in str(refusal.value)
