"""What waits for webhooks and what was given up, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import tailorbird
from proxy.model import Delivery, Standing
from proxy.ports import Failure
from tests.cli.desk import done

NOON = 1_795_435_200.0
FILE = "webhooks: {cdp: {url: 'https://cdp.example/hook', secret: 0123456789abcdef, segments: [VIP, Phones, Gone]}}"
RULES = "segments:\n  VIP: {when: {orders: at least 4}}\n  Phones: {when: {device: phone}}\nrules: []\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A store in which two messages wait and one was given up."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.rules.yaml").write_text(RULES, "utf-8")
    (tmp_path / "webhooks.yaml").write_text(FILE, "utf-8")
    waiting = [Delivery(f"m{n}", "cdp", f"v{n}", "VIP", True, NOON, NOON + n) for n in range(3)]
    standings = [Standing(f"v{n}", {"cdp": {"VIP": NOON}}) for n in range(3)]
    done(
        f"sqlite:{tmp_path}/s.db",
        lambda at: at.outbox.lead("me", NOON, 60.0),
        lambda at: at.outbox.put("me", standings, waiting, None, NOON),
        lambda at: at.outbox.give_up(Delivery("m1", "cdp", "v1", "VIP", True, NOON, NOON, "it answered 400")),
    )
    return tmp_path


def run(shop: Path, *arguments: str) -> Result:
    return CliRunner().invoke(tailorbird, ["webhooks", *arguments, "--store", f"sqlite:{shop}/s.db"])


def show(shop: Path, *more: str) -> Result:
    return run(shop, "show", str(shop / "rules"), "--webhooks", str(shop / "webhooks.yaml"), *more)


def test_each_webhook_is_reported_with_what_waits_and_what_is_doubtful(shop: Path) -> None:
    assert show(shop).output.splitlines() == [
        "cdp (cdp.example): Phones, VIP",
        "  2 waiting since 2026-11-23T12:00:00Z, 1 given up",
        "no rule file names the segment `Gone`; rules can ask it once `segments:` has `Gone: {}`",
        "`Phones` asks for `device`: only a request tells it",
    ]
    (told,) = json.loads(show(shop, "--format", "json").output)
    assert (told["name"], told["segments"], told["waiting"], told["given_up"]) == ("cdp", ["Phones", "VIP"], 2, 1)
    assert "secret" not in told and "0123456789abcdef" not in show(shop).output


def test_why_messages_wait_is_told(shop: Path) -> None:
    why = "it could not be reached (All connection attempts failed)"
    done(f"sqlite:{shop}/s.db", lambda at: at.outbox.note_failure("cdp", Failure(NOON + 60, why)))
    assert show(shop).output.splitlines()[2] == f"  failed 2026-11-23T12:01:00Z: {why}"
    (told,) = json.loads(show(shop, "--format", "json").output)
    assert (told["failure"], told["failed_at"]) == (why, NOON + 60)


def test_what_was_given_up_is_listed_with_its_reason_and_sent_again(shop: Path) -> None:
    assert run(shop, "given-up").output == "2026-11-23T12:00:00Z  cdp          v1 entered VIP: it answered 400\n"
    assert json.loads(run(shop, "given-up", "--format", "json").output)["reason"] == "it answered 400"
    assert run(shop, "replay", "--webhook", "mail").output == "0 wait again\n"
    assert run(shop, "replay").output == "1 wait again\n"
    assert run(shop, "given-up").output == ""
    assert "  3 waiting since" in show(shop).output


def test_what_is_not_so_any_more_is_forgotten_instead_of_sent_again(shop: Path) -> None:
    refused = "it answered 410"
    given_up = [
        Delivery("m4", "cdp", "left since", "VIP", True, NOON, NOON, refused),
        Delivery("m5", "cdp", "again since", "VIP", True, NOON, NOON, refused),
        Delivery("m6", "cdp", "again since", "VIP", False, NOON + 1, NOON, refused),
        Delivery("m7", "cdp", "gone", "VIP", False, NOON, NOON, refused),
    ]
    standing = Standing("again since", {"cdp": {"VIP": NOON + 2}})
    done(f"sqlite:{shop}/s.db", lambda at: at.outbox.put("me", [standing], given_up, None, NOON))
    assert run(shop, "replay").output == "2 wait again, 3 forgotten: not so any more\n"
    assert run(shop, "given-up").output == ""
    assert "  4 waiting since" in show(shop).output


def test_a_file_or_a_folder_with_problems_is_said_so(shop: Path) -> None:
    (shop / "webhooks.yaml").write_text("webhooks: {cdp: {}}", "utf-8")
    assert (show(shop).exit_code, "webhooks.yaml:1:" in show(shop).output) == (1, True)
    (shop / "webhooks.yaml").write_text("", "utf-8")
    assert show(shop).output == "nobody is told: the setting `webhooks` names no file\n"
    (shop / "rules" / "a.rules.yaml").write_text("rulez: []", "utf-8")
    assert (show(shop).exit_code, "has problems" in show(shop).output) == (1, True)
