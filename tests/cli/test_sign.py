from __future__ import annotations

import time

from click.testing import CliRunner, Result

from proxy.cli import tailorbird
from proxy.visitors.visitor import Cookies

SECRET = "a newer key of 24 bytes!"


def sign(*arguments: str, secret: str = SECRET) -> Result:
    return CliRunner().invoke(tailorbird, ["sign", *arguments], env={"TAILORBIRD_SECRET": secret})


def header(result: Result) -> bytes:
    assert result.exit_code == 0
    (line,) = result.output.splitlines()
    assert line.startswith("Cookie: ")
    return line.removeprefix("Cookie: ").encode()


def test_the_line_is_a_header_we_read() -> None:
    sent = header(sign("--visitor", "anna", "--segment", "VIP", "--segment", "Läufer im Trail"))
    visitor = Cookies(SECRET).read(sent, time.time())
    assert (visitor.id, visitor.segments) == ("anna", {"VIP", "Läufer im Trail"})


def test_without_a_visitor_a_new_one_is_made_up() -> None:
    ids = {Cookies(SECRET).read(header(sign()), time.time()).id for _ in range(2)}
    assert len(ids) == 2 and "" not in ids


def test_segments_expire_when_told() -> None:
    sent = header(sign("--visitor", "anna", "--segment", "VIP", "--expires", "60"))
    now = time.time()
    assert Cookies(SECRET).read(sent, now).segments == {"VIP"}
    assert Cookies(SECRET).read(sent, now + 61).segments == frozenset()


def test_the_demo_has_names_of_its_own() -> None:
    sent = header(sign("--visitor", "anna", "--demo"))
    assert sent.startswith(b"tb_v=")
    assert Cookies(SECRET, is_demo=True).read(sent, time.time()).id == "anna"


def test_without_a_key_nothing_is_signed() -> None:
    result = sign("--visitor", "anna", secret="")
    assert result.exit_code == 1
    assert "there is no signing key" in result.output


def test_what_cannot_be_signed_is_reported() -> None:
    assert "cannot be a visitor id" in sign("--visitor", "anna@example.com").output
    many = [argument for number in range(40) for argument in ("--segment", f"segment number {number}")]
    assert "more than 512" in sign("--visitor", "anna", *many).output
