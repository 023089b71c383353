"""TLS towards origins."""

from __future__ import annotations

import ssl

from proxy.errors import OperatorError

UNTRUSTED = "mend the origin's certificate, or name its authority's PEM file in TAILORBIRD_ORIGIN_CA"
"""What helps against a certificate that is not accepted."""


def client_tls(authorities: str = "") -> ssl.SSLContext:
    """Certificates are verified, `authorities` (a PEM file) trusted besides the system's.

    Raises `OperatorError` when the file is not there or holds no certificate.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if authorities:
        try:
            context.load_verify_locations(cafile=authorities)
        except OSError as error:
            raise OperatorError(
                f"TAILORBIRD_ORIGIN_CA: `{authorities}` cannot be read: {error.strerror or error}",
                help="name a PEM file with the certificate of your own authority",
            ) from error
    return context
