"""Settings come from flags, the environment and defaults, in that order; mistakes are told by name."""

from __future__ import annotations

import pytest

from proxy.errors import OperatorError
from proxy.settings import PREFIX, from_environment, rows


def test_flag_over_environment_over_default() -> None:
    assert from_environment({}).port == 8080
    assert from_environment({"TAILORBIRD_PORT": "9000"}).port == 9000
    assert from_environment({"TAILORBIRD_PORT": "9000"}, port=9001).port == 9001
    assert from_environment({"TAILORBIRD_PORT": "9000"}, port=None).port == 9000


@pytest.mark.parametrize(
    ("name", "text", "attribute", "value"),
    [
        ("KEEP_HOST", "yes", "keep_host", True),
        ("KEEP_HOST", "off", "keep_host", False),
        ("ORIGIN", "http://a, /api=http://b", "origin", ("http://a", "/api=http://b")),
        ("PROFILE_BUDGET_MS", "2.5", "profile_budget_ms", 2.5),
        ("SECRET", " key ", "secret", "key"),
    ],
)
def test_texts_become_the_type_of_the_setting(name: str, text: str, attribute: str, value: object) -> None:
    assert getattr(from_environment({PREFIX + name: text}), attribute) == value


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(OperatorError, match=r'no setting `TAILORBIRD_PROT`.*did you mean "TAILORBIRD_PORT"'):
        from_environment({"TAILORBIRD_PROT": "1"})


@pytest.mark.parametrize(("name", "text"), [("PORT", "many"), ("KEEP_HOST", "perhaps"), ("PROFILE_BUDGET_MS", "")])
def test_a_value_of_the_wrong_type_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(OperatorError, match=f"`{PREFIX}{name}` is `{text}`"):
        from_environment({PREFIX + name: text})


def test_other_programs_names_are_left_alone() -> None:
    from_environment({"PATH": "/bin", "TAILOR": "x"})


def test_every_setting_has_help_and_numbers_have_units() -> None:
    for row in rows():
        assert row.metadata["help"], row.name
        if isinstance(row.default, (int, float)) and not isinstance(row.default, bool) and "port" not in row.name:
            assert row.metadata["unit"] or "fraction" in row.name, row.name
