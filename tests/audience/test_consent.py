"""What the cookies of consent tools say."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.audience.consent import SOURCES, consent_in
from proxy.model import Consent
from tests.audience.test_consent_tcf import consent_string

BY_NAME = {source.name: source for source in SOURCES}
ONE_TRUST = "isGpcEnabled=0&datestamp=Wed&version=202409.1.0&groups=C0001:1,C0002:0,C0003:{}&AwaitingReconsent=false"
COOKIEBOT = "{{stamp:'x',necessary:true,preferences:{},statistics:false,marketing:false,method:'explicit',ver:1}}"
COOKIE_YES = "consentid:abc,consent:yes,action:yes,necessary:yes,functional:{},analytics:no"


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("own", "profile", Consent.PROFILE),
        ("own", "session", Consent.SESSION),
        ("own", "none", Consent.NONE),
        ("own", "yes please", Consent.CONTEXTUAL),
        ("tcf", consent_string({1, 5, 6, 10}), Consent.PROFILE),
        ("tcf", consent_string({1, 6}), Consent.CONTEXTUAL),
        ("tcf", "broken", Consent.CONTEXTUAL),
        ("onetrust", quote(ONE_TRUST.format(1)), Consent.PROFILE),
        ("onetrust", quote(ONE_TRUST.format(0)), Consent.CONTEXTUAL),
        ("onetrust", "", Consent.CONTEXTUAL),
        ("cookiebot", quote(COOKIEBOT.format("true")), Consent.PROFILE),
        ("cookiebot", quote(COOKIEBOT.format("false")), Consent.CONTEXTUAL),
        ("cookiebot", "-1", Consent.PROFILE),
        ("cookiebot", "0", Consent.CONTEXTUAL),
        ("cookieyes", COOKIE_YES.format("yes"), Consent.PROFILE),
        ("cookieyes", COOKIE_YES.format("no"), Consent.CONTEXTUAL),
        ("cookieyes", "x" * 5_000, Consent.CONTEXTUAL),
    ],
)
def test_a_cookie_says_how_far_somebody_agreed(name: str, value: str, level: Consent) -> None:
    assert consent_in(BY_NAME[name], value.encode()) is level


@settings(deadline=None)
@given(st.sampled_from(SOURCES), st.binary(max_size=300))
def test_no_cookie_raises(source: object, cookie: bytes) -> None:
    assert consent_in(source, cookie) in Consent  # type: ignore[arg-type]
