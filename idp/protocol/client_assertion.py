"""The client's own signature in place of a shared secret: private_key_jwt (RFC 7523, OIDC Core 9, entra.md 1.8)."""

import base64
import json
import secrets
import time
from collections.abc import Mapping

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import get_default_algorithms

from idp.protocol.client_errors import AssertionKeyUnusable
from idp.protocol.types import AssertionKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHM = "PS256"

# Providers refuse long-lived assertions; this one is used within seconds.
_LIFETIME = 240
# For a clock of ours that is a little ahead: FAPI 2.0 has providers forgive ten seconds, and some forgive none.
_BACK_DATED = 10
_MIN_RSA_BITS = 2048


def make_assertion(key: AssertionKey, *, client_id: str, audience: str, now: float | None = None) -> str:
    """A signed assertion for one token request; `audience` is the token endpoint (RFC 7523 section 3).

    Raises:
        AssertionKeyUnusable: the private key is not an RSA key of 2048 bits or more.
    """
    issued_at = int(time.time() if now is None else now)
    header = {"alg": ASSERTION_ALGORITHM, "typ": "JWT", "x5t#S256": key.thumbprint_s256}
    claims = {
        "aud": audience,
        "iss": client_id,
        "sub": client_id,
        # Single use, as the provider may insist (RFC 7523 section 3, rule 7).
        "jti": secrets.token_urlsafe(24),
        "nbf": issued_at - _BACK_DATED,
        "iat": issued_at,
        "exp": issued_at + _LIFETIME,
    }
    signing_input = f"{_segment(header)}.{_segment(claims)}"
    signature = get_default_algorithms()[ASSERTION_ALGORITHM].sign(signing_input.encode(), _private_key(key))
    return f"{signing_input}.{_base64url(signature)}"


def _private_key(key: AssertionKey) -> rsa.RSAPrivateKey:
    try:
        # We made this key ourselves: proving its primes again would cost every sign-in tens of milliseconds.
        private = serialization.load_pem_private_key(
            key.private_key_pem.encode(), password=None, unsafe_skip_rsa_key_validation=True
        )
    except (ValueError, TypeError):
        raise AssertionKeyUnusable from None
    if not isinstance(private, rsa.RSAPrivateKey) or private.key_size < _MIN_RSA_BITS:
        raise AssertionKeyUnusable
    return private


def _segment(document: Mapping[str, object]) -> str:
    return _base64url(json.dumps(document, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
