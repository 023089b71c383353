"""When certificates end is told: of ours as the files say, of an origin's as it showed it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from proxy.metrics import Metrics
from proxy.settings import Settings
from proxy.upstream import dialing
from proxy.upstream.certificates import expiry_of, watch_certificates
from proxy.upstream.origins import Origins
from tests.upstream.conftest import body_of
from tests.upstream.test_origin import authority, server_tls
from tests.wire.origin import Origin, always, ok

__all__ = ["authority"]  # fixtures

EXPIRY = "tailorbird_certificate_expiry_timestamp_seconds"


@pytest.mark.parametrize("ends", [datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC), datetime(2055, 1, 2, tzinfo=UTC)])
def test_a_file_has_the_end_of_its_first_certificate(ends: datetime, tmp_path: Path) -> None:
    """UTCTime up to 2049, GeneralizedTime from then on; the key may stand before it, its chain behind."""
    authority = trustme.CA()
    made = authority.issue_cert("shop.example", not_after=ends)
    chain = [made.private_key_pem, *made.cert_chain_pems, authority.cert_pem]
    (tmp_path / "all.pem").write_bytes(b"".join(each.bytes() for each in chain))
    assert expiry_of(tmp_path / "all.pem") == ends.timestamp()


@pytest.mark.parametrize("text", ["", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "\x80"])
def test_what_is_no_certificate_has_no_end(text: str, tmp_path: Path) -> None:
    (tmp_path / "none.pem").write_text(text)
    assert expiry_of(tmp_path / "none.pem") == expiry_of(tmp_path / "missing.pem") == 0


async def test_ours_and_an_origins_are_told_once_they_are_known(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = datetime(2033, 3, 4, 5, 6, 7, tzinfo=UTC)
    ours = authority.issue_cert("shop.example", not_after=ends)
    (tmp_path / "ours.pem").write_bytes(ours.private_key_and_cert_chain_pem.bytes())
    metrics = Metrics()
    async with Origin(always(ok(b"secret")), tls=server_tls(authority, "localhost")) as origin:
        url = origin.url.replace("127.0.0.1", "localhost")
        settings = Settings(tls_certificate=str(tmp_path / "ours.pem"), origin_ca=str(tmp_path / "authority.pem"))
        origins = Origins((url, "/api=http://api.example"), settings, metrics)
        watch_certificates(settings, origins, metrics)
        key = (EXPIRY, "certificate", url)
        assert metrics.gauges()[EXPIRY, "certificate", "tls_certificate"] == ends.timestamp()
        assert key not in metrics.gauges()
        await body_of(origins.of(b"/"))
        assert metrics.gauges()[key] > datetime.now(UTC).timestamp()
        monkeypatch.setattr(dialing, "SHOWN_SECONDS", 0.0)
        assert key not in metrics.gauges(), "a worker that did not connect for a day does not know of a new one"
        await origins.aclose()


async def test_one_of_ours_that_has_ended_is_told_at_the_start(
    authority: trustme.CA, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "ours.pem"
    for ends in (datetime(2020, 2, 1, tzinfo=UTC), datetime(2055, 1, 2, tzinfo=UTC)):
        made = authority.issue_cert("shop.example", not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=ends)
        path.write_bytes(made.private_key_and_cert_chain_pem.bytes())
        settings, metrics = Settings(tls_certificate=str(path)), Metrics()
        watch_certificates(settings, Origins(("http://shop.example",), settings, metrics), metrics)
    (told,) = caplog.messages
    assert told.startswith(f"the certificate in `{path}` ended on 2020-02-01, and is refused (help: renew it")
