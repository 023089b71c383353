from __future__ import annotations

import pytest

from proxy.events.bots import is_ahead_of_time, is_bot

PEOPLE = [
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    b"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    b"Mobile/15E148 Safari/604.1",
    b"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
]
MACHINES = [
    b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    b"curl/8.5.0",
    b"python-requests/2.32.3",
    b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/130.0.0.0 Safari/537.36",
    b"",
    b"   ",
]


@pytest.mark.parametrize("user_agent", PEOPLE)
def test_browsers_are_people(user_agent: bytes) -> None:
    assert not is_bot(user_agent)


@pytest.mark.parametrize("user_agent", MACHINES)
def test_crawlers_scripts_and_the_nameless_are_not(user_agent: bytes) -> None:
    assert is_bot(user_agent)


def test_a_name_of_any_length_and_any_bytes_is_read() -> None:
    assert not is_bot(PEOPLE[0] + b"\xff" * 100_000)


@pytest.mark.parametrize(
    ("purpose", "is_ahead"), [(b"prefetch", True), (b"prefetch;prerender", True), (b"preview", True), (b"", False)]
)
def test_a_page_fetched_before_anybody_asked_is_told(purpose: bytes, is_ahead: bool) -> None:
    assert is_ahead_of_time(purpose) is is_ahead
