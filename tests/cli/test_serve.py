"""`tailorbird serve` refuses to start without what has no safe default, and says what to set."""

from __future__ import annotations

import logging

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird
from proxy.cli.serve import logs

READY = {"TAILORBIRD_SECRET": "a-secret-for-tests-long-enough", "TAILORBIRD_ADMIN_TOKEN": "a-token-for-tests"}
ORIGIN = ["--origin", "http://127.0.0.1:9"]


@pytest.mark.parametrize(
    ("arguments", "environment", "what"),
    [
        ([], READY, "there is no origin (help: add --origin https://shop.example)"),
        (ORIGIN, READY | {"TAILORBIRD_SECRET": ""}, "there is no signing key (help: set TAILORBIRD_SECRET"),
        (ORIGIN, READY | {"TAILORBIRD_SECRET": "short"}, "a signing key is shorter than 16 bytes"),
        (ORIGIN, READY | {"TAILORBIRD_ADMIN_TOKEN": ""}, "the admin listener has no token"),
        (
            ORIGIN,
            READY | {"TAILORBIRD_ADMIN_TOKEN": "1234567"},
            "shorter than 8 characters (help: set TAILORBIRD_ADMIN",
        ),
        (ORIGIN, READY | {"TAILORBIRD_PROT": "1"}, 'did you mean "TAILORBIRD_PORT"?'),
        ([*ORIGIN, "--rules", "no-rules"], READY, "there is no rule folder `no-rules` (help: name it with --rules"),
        ([*ORIGIN, "--workers", "0"], READY, "`workers` is `0` (help: write a number, 1 or more)"),
        (
            [*ORIGIN, "--allowed-hosts", "https://shop.example"],
            READY,
            "allowed host `https://shop.example` is not a host",
        ),
        ([*ORIGIN, "--host", "192.0.2.1"], READY, "name an address of this machine: 127.0.0.1, or 0.0.0.0 for all"),
        ([*ORIGIN, "--tls-key", "k.pem"], READY, "there is a TLS key, but no certificate (help: name its PEM file"),
        (["--origin", "shop.example"], READY, "is not a web address"),
        ([*ORIGIN, "--port", "99999"], READY, "`port` is `99999` (help: a port is a number from 0 to 65535)"),
        ([*ORIGIN, "--store", "mysql:x"], READY, "no store speaks `mysql`"),
    ],
)
def test_it_refuses_in_one_line(arguments: list[str], environment: dict[str, str], what: str) -> None:
    result = CliRunner().invoke(tailorbird, ["serve", *arguments], env=environment)
    assert result.exit_code == 1
    assert what in result.output
    assert result.output.count("\n") == 1


def test_every_flag_says_its_default_and_its_environment_name() -> None:
    text = CliRunner().invoke(tailorbird, ["serve", "--help"]).output
    assert "TAILORBIRD_ORIGIN" in text
    assert "(default: 8080; TAILORBIRD_PORT)" in " ".join(text.split())


def test_what_is_sent_to_others_is_not_logged_address_by_address() -> None:
    logs("info")
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO), "a webhook's path may be its secret"
    assert logging.getLogger("httpx").isEnabledFor(logging.WARNING)
