"""The demo's settings; the running demo is tested by tests/bars/test_a1_demo.py."""

from __future__ import annotations

import pytest

from proxy.cli.demo import demo_settings


def test_each_run_has_a_key_of_its_own() -> None:
    assert demo_settings("http://127.0.0.1:1", {}).secret != demo_settings("http://127.0.0.1:1", {}).secret


def test_the_shops_session_cookie_makes_no_page_personal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILORBIRD_IGNORED_COOKIES", "_mine")
    settings = demo_settings("http://127.0.0.1:1", {"port": 9})
    assert settings.ignored_cookies == ("_mine", "nw_session")
    assert settings.port == 9
    assert settings.catalogue.endswith("products.jsonl")
