"""TLS towards origins and webhooks: which certificates are trusted, which one we present, and what is wrong when no
connection is made.

OpenSSL's messages are for programmers. The law here: whoever operates Tailorbird is told what to do.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

from proxy.errors import OperatorError, OriginError
from proxy.settings import Settings

_RENEW = "have the origin's certificate renewed, or set this machine's clock"
_NAME = "name it as its certificate does, or say in TAILORBIRD_ORIGIN_NAME which name that is"
_UNTRUSTED = "mend the origin's certificate, or name its authority's PEM file in TAILORBIRD_ORIGIN_CA"
_OURS = "name ours, with its key, in TAILORBIRD_ORIGIN_CERTIFICATE"

# By the numbers of OpenSSL's x509_vfy.h.
_HELP = {9: _RENEW, 10: _RENEW, 62: _NAME, 64: _NAME}

_NO_TLS = "it speaks no TLS there", "write http:// in its URL, or the port at which it speaks TLS"
_TOO_OLD = "it speaks no TLS as new as 1.2", "have it speak TLS 1.2 or 1.3"
_NO_SUCH_NAME = "it has no site of this name", _NAME
_WANTS_OURS = "it wants a certificate of ours", _OURS
_NOT_OURS = "it does not accept our certificate", _OURS
_WHY = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "HTTP_REQUEST": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "UNSUPPORTED_PROTOCOL": _TOO_OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": _TOO_OLD,
    "TLSV1_UNRECOGNIZED_NAME": _NO_SUCH_NAME,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": _WANTS_OURS,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": ("it refused the handshake; maybe it wants a certificate of ours", _OURS),
    "SSLV3_ALERT_BAD_CERTIFICATE": _NOT_OURS,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": _NOT_OURS,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _NOT_OURS,
    "TLSV1_ALERT_UNKNOWN_CA": _NOT_OURS,
}


def client_tls(settings: Settings) -> ssl.SSLContext:
    """What origins are verified by: `origin_ca` (a PEM file) is trusted besides the system's; ours is
    `origin_certificate`. Raises `OperatorError` when a file is not there or does not hold what it should."""
    context = _trusting("ORIGIN_CA", settings.origin_ca)
    context.set_alpn_protocols(["http/1.1"])
    _load(context.load_cert_chain, "ORIGIN_CERTIFICATE", settings.origin_certificate, "a certificate and its key")
    return context


def webhook_tls(settings: Settings) -> ssl.SSLContext:
    """The same for webhooks, with `webhooks_ca`."""
    return _trusting("WEBHOOKS_CA", settings.webhooks_ca)


def _trusting(setting: str, path: str) -> ssl.SSLContext:
    """All Pythons verify alike. From 3.13 on, they would refuse an authority as openssl makes it by default, with no
    key usage in it; before, one that is not its own issuer would not be enough, nor the server's own certificate."""
    context = ssl.create_default_context()
    context.verify_flags = (context.verify_flags | ssl.VERIFY_X509_PARTIAL_CHAIN) & ~ssl.VERIFY_X509_STRICT
    _load(context.load_verify_locations, setting, path, "the certificate of an authority")
    return context


def _load(load: Callable[[str], None], setting: str, path: str, what: str) -> None:
    try:
        if path:
            load(path)
    except OSError as error:
        why = f"it does not hold {what}" if isinstance(error, ssl.SSLError) else error.strerror or str(error)
        raise OperatorError(
            f"TAILORBIRD_{setting}: `{path}` cannot be read: {why}", help=f"name a PEM file with {what}"
        ) from error


def no_tls(error: ssl.SSLError, who: str) -> OriginError:
    """Why there is no TLS with an origin: `who` is how it was named."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"the certificate of {who} is not accepted: {error.verify_message.rstrip('.')}"
        return OriginError(why, reason="certificate", help=_HELP.get(error.verify_code, _UNTRUSTED))
    why, help = _why(error)
    return OriginError(f"there is no TLS with {who}: {why}", reason="tls", help=help)


def broken(error: Exception) -> OriginError:
    """Why a connection broke: over TLS 1.3 an origin may say only then what it thinks of our certificate."""
    why, help = _why(error) if isinstance(error, ssl.SSLError) else ("", "")
    return OriginError(f"the origin reset the connection{why and f': {why}'}", reason="reset", help=help)


def _why(error: ssl.SSLError) -> tuple[str, str]:
    return _WHY.get(error.reason or "", (error.reason or str(error), ""))
