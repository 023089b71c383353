"""What a word means among the states of the rules, and who does a thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.cli.states import author_of, is_published_mode, state_of
from proxy.errors import OperatorError
from proxy.stores.history import Action, Entry
from tests.cli.desk import NORWAY, RULES, Desk


def test_a_state_is_live_a_draft_a_version_or_a_folder(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.publish(RULES)
    desk.publish(NORWAY)
    desk.save(RULES + "# new\n")
    states = {word: state_of(word, desk.rules) for word in ("live", "draft", "1", str(desk.rules))}
    assert [state.name for state in states.values()] == ["Version 2", "draft", "Version 1", str(desk.rules)]
    assert states["live"].files["a.rules.yaml"] == NORWAY.encode()
    assert states["1"].files["a.rules.yaml"] == RULES.encode()
    assert states["draft"].files == states[str(desk.rules)].files
    for word in ("9", "0", "nowhere"):
        with pytest.raises(OperatorError):
            state_of(word, desk.rules)


def test_the_setting_goes_before_the_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILORBIRD_RULES_MODE", "published")
    assert is_published_mode([Entry(1.0, Action.LOADED)])


def test_an_author_is_who_they_say_or_as_git_knows_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Sam")
    assert (author_of("Mia"), author_of(None)) == ("Mia", "Sam")
    monkeypatch.delenv("GIT_AUTHOR_NAME")
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Kim\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.chdir(tmp_path)
    assert author_of(None) == "Kim"
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("LOGNAME", "kim.vos")
    assert author_of(None) == "kim.vos"
