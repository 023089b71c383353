"""What certificates of origins are trusted by; that they are verified is seen in `test_origin.py`."""

from __future__ import annotations

import ssl

import pytest

from proxy.errors import OperatorError
from proxy.upstream.tls import client_tls


def test_certificates_are_verified_and_so_are_names() -> None:
    context = client_tls()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_an_authority_file_that_is_not_there_is_said_at_start() -> None:
    with pytest.raises(OperatorError, match="TAILORBIRD_ORIGIN_CA"):
        client_tls("/nowhere/authority.pem")
