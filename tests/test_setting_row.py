"""What a setting cannot be is refused, with what to write instead."""

from __future__ import annotations

import pytest

from proxy.environment import PREFIX, from_environment
from proxy.errors import OperatorError


@pytest.mark.parametrize(
    ("name", "text", "help"),
    [
        ("PORT", "65536", "write a number, 0 to 65535"),
        ("ADMIN_PORT", "-1", "write a number, 0 to 65535"),
        ("CACHE_BYTES", "-5", "write a number, 0 or more"),
        ("PROFILE_BUDGET_MS", "nan", "write a number, 0 or more"),
        ("HEURISTIC_FRACTION", "inf", "write a number, 0 to 1"),
        ("MEMORY_SHED_FRACTION", "95", "write a number, 0 to 1"),
        ("MAX_HEAD_BYTES", "1", "write a number, 1024 or more"),
        ("WAITING_EVENTS", "0", "write a number, 1 or more"),
        ("WORKERS", "0", "write a number, 1 or more"),
        ("CONNECT_TIMEOUT_MS", "0", "write a number, 1 or more"),
        ("STALL_SECONDS", "1", "write a number, 2 or more, or 0"),
        ("COUNTRY_HEADER", "cf country", "write one name, of letters, digits, dots and hyphens"),
        ("UNSIGNED_SEGMENTS_COOKIE", "a; b", "write one name, of letters, digits, dots and hyphens"),
        ("ORIGIN_NAME", "shop example", "write one name, of letters, digits, dots and hyphens"),
        ("RULES_MODE", "draft", "write folder or published"),
        ("APPROVAL", "yes", "write none, required or as before"),
        ("VISITOR_COOKIE", "always", "write off, session or persistent"),
        ("CONSENT_DEFAULT", "all", "write none, contextual, session or profile"),
        ("COMPARE_PAGES", "some", "write unsaid, all or none"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(name: str, text: str, help: str) -> None:
    with pytest.raises(OperatorError, match=f"{PREFIX}{name}\\S* is `{text}.*{help}"):
        from_environment({PREFIX + name: text})


def test_zero_may_mean_never() -> None:
    assert from_environment({"TAILORBIRD_STALL_SECONDS": "0"}).stall_seconds == 0.0
    assert from_environment({"TAILORBIRD_UNSIGNED_SEGMENTS_COOKIE": ""}).unsigned_segments_cookie == ""
