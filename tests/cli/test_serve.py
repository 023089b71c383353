"""`tailorbird serve` refuses to start without what has no safe default, and says what to set."""

from __future__ import annotations

import re
import socket
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird
from proxy.cli.serve import Places, announce, supervise
from proxy.environment import set_by
from proxy.errors import OperatorError
from proxy.settings import Settings
from proxy.wiring import Tailorbird

READY = {"TAILORBIRD_SECRET": "a-secret-for-tests-long-enough", "TAILORBIRD_ADMIN_TOKEN": "a-token-for-tests"}
ORIGIN = ["--origin", "http://127.0.0.1:9"]


@pytest.mark.parametrize(
    ("arguments", "environment", "what"),
    [
        ([], READY, "`--origin` (TAILORBIRD_ORIGIN): there is none (help: add --origin https://shop.example)"),
        (ORIGIN, READY | {"TAILORBIRD_SECRET": ""}, "there is no signing key (help: set TAILORBIRD_SECRET"),
        (ORIGIN, READY | {"TAILORBIRD_SECRET": "short"}, "a signing key is shorter than 16 bytes"),
        (ORIGIN, READY | {"TAILORBIRD_ADMIN_TOKEN": ""}, "the admin listener has no token"),
        (ORIGIN, READY | {"TAILORBIRD_WRITER_TOKEN": "a-writers-token"}, "nobody can write drafts here"),
        (ORIGIN, READY | {"TAILORBIRD_READER_TOKEN": "a-token-for-tests"}, "tokens are the same"),
        (
            ORIGIN,
            READY | {"TAILORBIRD_ADMIN_TOKEN": "1234567"},
            "shorter than 8 characters (help: set TAILORBIRD_ADMIN",
        ),
        (ORIGIN, READY | {"TAILORBIRD_PROT": "1"}, 'did you mean "TAILORBIRD_PORT"?'),
        (
            [*ORIGIN, "--rules", "no-rules"],
            READY,
            "`--rules` (TAILORBIRD_RULES): there is no folder `no-rules` (help: ",
        ),
        (
            [*ORIGIN, "--workers", "0"],
            READY,
            "`--workers` (TAILORBIRD_WORKERS) is `0` (help: write a number, 1 or more)",
        ),
        (
            [*ORIGIN, "--allowed-hosts", "https://shop.example"],
            READY,
            "`--allowed-hosts` (TAILORBIRD_ALLOWED_HOSTS): `https://shop.example` is not a host",
        ),
        ([*ORIGIN, "--host", "192.0.2.1"], READY, "name one of this machine by `--host` or `--admin-host`"),
        ([*ORIGIN, "--tls-key", "k.pem"], READY, "there is a TLS key, but no certificate (help: name its PEM file"),
        (["--origin", "shop.example"], READY, "is not a web address"),
        (
            [*ORIGIN, "--port", "99999"],
            READY,
            "`--port` (TAILORBIRD_PORT) is `99999` (help: write a number, 0 to 65535)",
        ),
        ([*ORIGIN, "--store", "mysql:x"], READY, "no store speaks `mysql`"),
        ([*ORIGIN, "--store", "./tailorbird.db"], READY, "(help: write sqlite:./tailorbird.db)"),
        (ORIGIN, READY | {"TAILORBIRD_ORIGIN_CA": "no.pem"}, "TAILORBIRD_ORIGIN_CA: `no.pem` cannot be read"),
        (ORIGIN, READY | {"TAILORBIRD_WEBHOOKS": "no.yaml"}, "`TAILORBIRD_WEBHOOKS`: `no.yaml` cannot be read"),
    ],
)
def test_it_refuses_in_one_line(
    arguments: list[str], environment: dict[str, str], what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rules").mkdir()
    monkeypatch.chdir(tmp_path)  # a store and its reserve are made where it is started
    result = CliRunner().invoke(tailorbird, ["serve", *arguments], env=environment)
    assert result.exit_code == 1
    assert what in result.output
    assert result.output.count("\n") == 1


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_tells_all_mistakes_at_once(workers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = {"TAILORBIRD_PROT": "1", "TAILORBIRD_BACKLOG": "few", "TAILORBIRD_CONSENT": "ours"}
    result = CliRunner().invoke(tailorbird, ["serve", "--workers", workers], env=wrong)
    assert result.exit_code == 1
    told = result.output.splitlines()
    assert all(line.startswith("tailorbird: ") for line in told)
    assert len(told) == len(wrong) + 4, "and there is no origin, no secret, no token, no folder of rules"


def test_it_checks_without_serving_and_says_where_each_setting_is_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    chosen = {
        "TAILORBIRD_STORE": "redis://shop:hidden@127.0.0.1:1",
        "TAILORBIRD_WRITE_KEYS": f"shop:server:{'hidden' * 4}",
    }
    result = CliRunner().invoke(tailorbird, ["serve", "--check", *ORIGIN], env=READY | chosen)
    assert "the store did not answer" in result.stderr, "asked last of all"
    for line in (
        "origin = http://127.0.0.1:9  (--origin)",
        "store = redis://...@127.0.0.1:1  (TAILORBIRD_STORE)",
        "secret = 30 characters  (TAILORBIRD_SECRET)",
        "write_keys = shop:server:...  (TAILORBIRD_WRITE_KEYS)",
    ):
        assert line in result.output.splitlines()
    assert "hidden" not in result.output
    assert CliRunner().invoke(tailorbird, ["serve", "--check", *ORIGIN], env=READY).exit_code == 0
    assert CliRunner().invoke(tailorbird, ["serve", "--check"], env=READY).exit_code == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rules"]


@pytest.mark.parametrize("kind", ["redis://127.0.0.1:1?", "redis+sentinel://127.0.0.1:1/shop?sentinel_"])
def test_a_password_among_the_parameters_of_the_store_is_not_told(kind: str) -> None:
    store = {"TAILORBIRD_STORE": f"{kind}password=hidden"}
    result = CliRunner().invoke(tailorbird, ["serve", "--check", *ORIGIN], env=READY | store)
    assert f"store = {kind}password=...  (TAILORBIRD_STORE)" in result.output.splitlines()
    assert "hidden" not in result.output


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("origin", ("shop.example",)),
        ("slot_origins", ("m.shop.example",)),
        ("trusted_proxies", ("nginx",)),
        ("write_keys", ("shop",)),
        ("consent", ("ours",)),
        ("page_codings", ("br",)),
        ("catalogue", "no.jsonl"),
        ("access_log", "/no/folder/access.log"),
    ],
)
async def test_an_error_over_a_setting_names_it(name: str, value: Any, tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text("rules: []")
    fine = Settings(
        origin=("http://127.0.0.1:1",), secret="0123456789abcdef", rules=str(tmp_path), store=f"sqlite:{tmp_path}/s.db"
    )
    with pytest.raises(OperatorError, match=re.escape(set_by(name))):
        async with Tailorbird(replace(fine, **{name: value})):
            pass


def test_every_flag_says_its_default_and_its_environment_name() -> None:
    text = CliRunner().invoke(tailorbird, ["serve", "--help"]).output
    assert "TAILORBIRD_ORIGIN" in text
    assert "(default: 8080; TAILORBIRD_PORT)" in " ".join(text.split())


@pytest.mark.parametrize(
    ("chosen", "is_printed"), [({}, True), ({"access_log": "-"}, False), ({"log_format": "json"}, False)]
)
def test_what_a_program_reads_has_no_lines_for_people(
    chosen: dict[str, Any], is_printed: bool, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with socket.create_server(("127.0.0.1", 0)) as bound:
        announce(Places(bound, None), Settings(**chosen))
    told = capsys.readouterr().out if is_printed else caplog.messages[0]
    assert told.startswith("proxy  http://127.0.0.1:") and capsys.readouterr().out == ""


def test_without_a_folder_for_temporary_files_several_workers_say_what_they_need(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "none")])
    with pytest.raises(OperatorError) as caught:
        supervise(Settings(port=0, admin_port=0, workers=2))
    assert "write into `/tmp`" in str(caught.value) and "TMPDIR" in str(caught.value)
