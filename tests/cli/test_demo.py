"""The demo's settings; the running demo is tested by tests/bars/test_a1_demo.py."""

from __future__ import annotations

import shutil
import socket
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird
from proxy.cli.demo import INSTALLED_RULES, announce, demo_settings
from proxy.errors import OperatorError
from proxy.settings import Settings
from proxy.visitors.places import told_by_requests

RULES = str(Path(__file__).parents[2] / "rules")


def settings_of_a_run(**flags: object) -> Settings:
    return demo_settings("http://127.0.0.1:1", {"rules": RULES, **flags})


def test_a_demo_without_rules_to_show_says_where_they_are(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"there is no rule folder .*/none"):
        settings_of_a_run(rules=str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_without_a_store_the_demos_goes_when_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stores, months = list[str](), list[bool]()

    async def serve(shop_port: int, flags: dict[str, Any], *, has_month: bool) -> None:
        stores.append(settings_of_a_run(**flags | {"rules": RULES}).store)
        months.append(has_month)

    monkeypatch.setattr("proxy.cli.demo.demo", serve)
    assert CliRunner().invoke(tailorbird, ["demo"]).exit_code == 0
    assert CliRunner().invoke(tailorbird, ["demo", "--store", "sqlite:kept.db"]).exit_code == 0
    assert stores[0].endswith("/demo.db") and not Path(stores[0].removeprefix("sqlite:")).parent.exists()
    assert stores[1] == "sqlite:kept.db"
    assert months == [True, False], "nobody made up comes into a store that is kept"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one, of who has installed Tailorbird as a wheel."""
    shutil.copytree(RULES, tmp_path / "installed")
    monkeypatch.setattr("proxy.cli.demo.INSTALLED_RULES", tmp_path / "installed")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_outside_a_checkout_the_demo_brings_its_rules(elsewhere: Path) -> None:
    settings_of_a_run(rules=None)
    edited = elsewhere / "rules" / "home.rules.yaml"
    assert edited.read_bytes() == (Path(RULES) / "home.rules.yaml").read_bytes()
    edited.write_text("rules: []\n")
    settings_of_a_run(rules=None)
    assert edited.read_text() == "rules: []\n", "what was edited is kept"


def test_a_folder_where_nothing_can_be_written_is_told(elsewhere: Path) -> None:
    (elsewhere / "rules").write_text("a file is in the way")
    with pytest.raises(OperatorError, match=r"cannot be copied to `rules`: .*File exists"):
        settings_of_a_run(rules=None)


def test_the_wheel_has_the_rules_of_the_demo() -> None:
    built = tomllib.loads((Path(RULES).parent / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    assert built["wheel"]["shared-data"] == {"rules": "/".join(INSTALLED_RULES.parts[-3:])}


def test_a_second_demo_says_how_to_have_ports_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILORBIRD_STORE", "redis://not.the.demos.own/0")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        arguments = ["demo", "--shop-port", str(taken.getsockname()[1]), "--rules", RULES]
        result = CliRunner().invoke(tailorbird, arguments)
    assert result.exit_code == 1
    assert "Address already in use" in result.output
    assert "`tailorbird demo --port 0 --admin-port 0 --shop-port 0`" in result.output


def test_each_run_has_a_key_of_its_own_unless_one_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_of_a_run().secret != settings_of_a_run().secret
    monkeypatch.setenv("TAILORBIRD_SECRET", "so that preview links can be made for it")
    assert settings_of_a_run().secret == "so that preview links can be made for it"


def test_what_is_printed_to_be_run_names_the_folder_that_is_shown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    settings = settings_of_a_run(rules="mine", store="sqlite:x.db")
    announce("http://a", "http://b", "http://c", settings)
    printed = capsys.readouterr().out
    assert "Edit a file in mine/" in printed and " plan --store sqlite:x.db --rules mine\n" in printed
    assert f"TAILORBIRD_SECRET={settings.secret} " in printed and " preview http://a/ " in printed
    announce("http://a", "http://b", "http://c", replace(settings, rules_mode="published"))
    assert "publish -m 'why' --rules mine` and reload" in capsys.readouterr().out


def test_the_shops_session_cookie_makes_no_page_personal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILORBIRD_IGNORED_COOKIES", "_mine")
    settings = settings_of_a_run(port=9)
    assert settings.ignored_cookies == ("_mine", "nw_session")
    assert settings.port == 9
    assert settings.catalogue.endswith("products.jsonl")


def test_requests_may_say_where_a_visitor_is_as_a_cdn_does() -> None:
    told = told_by_requests(settings_of_a_run())
    assert told == {"region", "city", "location", "time zone"}
