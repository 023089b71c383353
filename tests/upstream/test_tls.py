"""TLS towards origins, between two ends in memory; that certificates are verified is seen in `test_origin_https.py`."""

from __future__ import annotations

import contextlib
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from proxy.errors import OperatorError
from proxy.settings import Settings
from proxy.upstream.tls import broken, client_tls, no_tls, webhook_tls
from tests.upstream.test_origin import authority, server_tls

__all__ = ["authority"]  # fixtures


def test_certificates_are_verified_and_so_are_names() -> None:
    context = client_tls(Settings())
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("setting", ["origin_ca", "origin_certificate", "webhooks_ca"])
@pytest.mark.parametrize(("content", "why"), [(None, "No such file"), ("nonsense", "it does not hold")])
def test_a_file_that_is_not_there_or_holds_something_else_is_said_at_start(
    setting: str, content: str | None, why: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "ours.pem").write_text(content)
    with pytest.raises(OperatorError, match=f"TAILORBIRD_{setting.upper()}: `.*ours.pem` cannot be read: {why}"):
        read = webhook_tls if setting == "webhooks_ca" else client_tls
        read(Settings(**{setting: str(tmp_path / "ours.pem")}))  # type: ignore[arg-type]


def test_a_certificate_without_its_key_is_said_at_start(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ours.pem"))
    with pytest.raises(OperatorError, match="it does not hold a certificate and its key"):
        client_tls(Settings(origin_certificate=str(tmp_path / "ours.pem")))


def failure_with(server: ssl.SSLContext, client: ssl.SSLContext, *, said_in_clear: bytes = b"") -> ssl.SSLError:
    """What the client's end fails with, when it shakes hands and then listens."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    back.write(said_in_clear)
    ours = client.wrap_bio(back, there, server_hostname="localhost")
    theirs = server.wrap_bio(there, back, server_side=True)
    for _ in range(4):
        for step in (ours.do_handshake, lambda: ours.read(1)):
            try:
                step()
            except ssl.SSLWantReadError:
                break
            except ssl.SSLError as error:
                return error
        with contextlib.suppress(ssl.SSLError):
            theirs.do_handshake()
    raise AssertionError("nothing failed")


def knows_no_name(server: ssl.SSLContext, authority: trustme.CA) -> None:
    server.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


def wants_a_certificate(server: ssl.SSLContext, authority: trustme.CA) -> None:
    server.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server)


def wants_one_in_the_handshake(server: ssl.SSLContext, authority: trustme.CA) -> None:
    wants_a_certificate(server, authority)
    server.maximum_version = ssl.TLSVersion.TLSv1_2


def is_old(server: ssl.SSLContext, authority: trustme.CA) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        server.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        server.maximum_version = ssl.TLSVersion.TLSv1_1
    server.set_ciphers("ALL:@SECLEVEL=0")


WITHOUT = [
    (knows_no_name, "it has no site of this name", "TAILORBIRD_ORIGIN_NAME"),
    (wants_one_in_the_handshake, "maybe it wants a certificate of ours", "TAILORBIRD_ORIGIN_CERTIFICATE"),
    (is_old, "it speaks no TLS as new as 1.2", "have it speak TLS 1.2"),
]


@pytest.mark.parametrize(("how", "why", "help"), WITHOUT, ids=[how.__name__ for how, _, _ in WITHOUT])
def test_where_there_is_no_tls_it_is_said_why_and_what_to_do(
    how: Callable[[ssl.SSLContext, trustme.CA], None], why: str, help: str, authority: trustme.CA, tmp_path: Path
) -> None:
    server = server_tls(authority, "localhost")
    how(server, authority)
    error = no_tls(failure_with(server, client_tls(Settings(origin_ca=str(tmp_path / "authority.pem")))), "origin `x`")
    assert error.reason == "tls"
    assert str(error).startswith("there is no TLS with origin `x`: ")
    assert why in str(error)
    assert help in error.help


def test_an_origin_that_speaks_no_tls_is_told_from_others(authority: trustme.CA) -> None:
    server = server_tls(authority, "localhost")
    failure = failure_with(server, client_tls(Settings()), said_in_clear=b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert str(no_tls(failure, "origin `x`")).startswith("there is no TLS with origin `x`: it speaks no TLS there")


def test_an_origin_that_wants_our_certificate_only_after_the_handshake_is_heard(
    authority: trustme.CA, tmp_path: Path
) -> None:
    server = server_tls(authority, "localhost")
    wants_a_certificate(server, authority)
    error = broken(failure_with(server, client_tls(Settings(origin_ca=str(tmp_path / "authority.pem")))))
    assert error.reason == "reset"
    assert "it wants a certificate of ours" in str(error)
    assert "TAILORBIRD_ORIGIN_CERTIFICATE" in error.help
