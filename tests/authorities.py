"""Certificate authorities as companies make them for themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def plain_authority() -> trustme.CA:
    """One whose certificate says what `openssl req -x509` writes: that it is an authority, and not what for."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=our own")
    now, public = datetime.now(UTC), key.public_key()
    made = x509.CertificateBuilder(name, name, public, x509.random_serial_number(), now, now + timedelta(1))
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return trustme.CA.from_pem(made.sign(key, hashes.SHA256()).public_bytes(form[0]), key.private_bytes(*form))
