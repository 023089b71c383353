"""Settings come from flags, the environment and defaults, in that order; mistakes are told by name."""

from __future__ import annotations

import pytest

from proxy.environment import PREFIX, from_environment, to_environment
from proxy.errors import OperatorError, OperatorErrors
from proxy.settings import Settings


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


def test_a_number_with_its_unit_is_told_which_unit_it_is_in() -> None:
    with pytest.raises(OperatorError, match=r"`TAILORBIRD_CACHE_BYTES` is `256MB`.*write a number, of bytes"):
        from_environment({"TAILORBIRD_CACHE_BYTES": "256MB"})


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(OperatorError, match=r'no setting `TAILORBIRD_PROT`.*did you mean "TAILORBIRD_PORT"'):
        from_environment({"TAILORBIRD_PROT": "1"})


@pytest.mark.parametrize(("name", "text"), [("PORT", "many"), ("KEEP_HOST", "perhaps"), ("PROFILE_BUDGET_MS", "")])
def test_a_value_of_the_wrong_type_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(OperatorError, match=f"`{PREFIX}{name}` is `{text}`"):
        from_environment({PREFIX + name: text})


def test_all_mistakes_are_told_at_once() -> None:
    names = {"PROT": "1", "PORT": "many", "KEEP_HOST": "perhaps", "WORKERS": "0"}
    with pytest.raises(OperatorErrors) as caught:
        from_environment({PREFIX + name: text for name, text in names.items()}, admin_port=-1)
    assert [str(error).split("`")[1] for error in caught.value.errors] == [
        "TAILORBIRD_PROT", "TAILORBIRD_PORT", "TAILORBIRD_KEEP_HOST", "--workers", "--admin-port",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ['"8080"', "'8080'"])
def test_a_value_in_quotes_is_refused_as_not_all_who_read_files_of_them_take_them_off(text: str) -> None:
    with pytest.raises(OperatorError, match=r"`TAILORBIRD_PORT` stands in quotes.*leave them out"):
        from_environment({"TAILORBIRD_PORT": text})


def test_a_flag_is_looked_at_as_the_environment_is() -> None:
    with pytest.raises(OperatorError, match=r"`--port` \(TAILORBIRD_PORT\) is `99999`"):
        from_environment({}, port=99_999)


def test_other_programs_names_are_left_alone() -> None:
    from_environment({"PATH": "/bin", "TAILOR": "x"})


@pytest.mark.parametrize("name", ["TAILORBIRD", "TAILORBIRD_ADMIN", "TAILORBIRD_SHOP"])
def test_what_kubernetes_says_of_services_of_our_name_is_no_setting(name: str) -> None:
    said = {
        "SERVICE_HOST": "10.0.0.11", "SERVICE_PORT": "8080", "SERVICE_PORT_HTTP": "8080",
        "PORT": "tcp://10.0.0.11:8080", "PORT_8080_TCP": "tcp://10.0.0.11:8080", "PORT_8080_TCP_PROTO": "tcp",
        "PORT_8080_TCP_PORT": "8080", "PORT_8080_TCP_ADDR": "10.0.0.11",
    }  # fmt: skip
    assert from_environment({f"{name}_{key}": value for key, value in said.items()}) == Settings()
    with pytest.raises(OperatorError, match="is `8080tcp`"):
        from_environment({"TAILORBIRD_PORT": "8080tcp"})


def test_settings_go_to_another_process_whole() -> None:
    settings = Settings(origin=("http://a", "/api=http://b"), ignored_cookies=(), keep_host=True, port=0, secret="key")
    assert from_environment(to_environment(settings)) == settings
    assert to_environment(Settings()) == {}
