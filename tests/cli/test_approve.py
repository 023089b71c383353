"""`tailorbird approve`: somebody else looks, and then it is live."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.stores.versions import Versions
from tests.cli.desk import NORWAY, RULES, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path, TAILORBIRD_APPROVAL="required")
    desk.publish(RULES)
    return desk


def test_a_second_person_makes_it_live(desk: Desk) -> None:
    assert desk.say("approve", "1", "--author", "Sam") == (0, "Version 1 is live\n")
    assert Versions(desk.rules).live() == 1


@pytest.mark.parametrize("name", ["Mia", "mia"])
def test_a_version_is_not_approved_by_who_asked_for_it(desk: Desk, name: str) -> None:
    code, output = desk.say("approve", "1", "--author", name)
    assert (code, "somebody else has to approve it" in output) == (1, True)


def test_what_nobody_asked_for_cannot_be_approved(desk: Desk) -> None:
    code, output = desk.say("approve", "2", "--author", "Sam")
    assert (code, "nobody asked for version 2" in output) == (1, True)


def test_what_was_overtaken_has_to_be_published_again(desk: Desk) -> None:
    desk.publish(NORWAY)
    desk.say("approve", "2", "--author", "Sam")
    code, output = desk.say("approve", "1", "--author", "Sam")
    assert (code, "version 2 went live since version 1 was asked for" in output) == (1, True)
