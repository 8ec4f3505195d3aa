"""Choosing the one key of a JSON Web Key set that a token may be signed with (RFC 7517, RFC 7518)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from idp.protocol import token_errors

_KTY_OF_PREFIX = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_CURVES = {"ES256": ("P-256",), "ES384": ("P-384",), "ES512": ("P-521",), "EdDSA": ("Ed25519", "Ed448")}
_PUBLIC_MEMBERS = ("kty", "n", "e", "crv", "x", "y")
_MIN_RSA_BITS = 2048
# Verifying with a giant modulus takes seconds of CPU.
_MAX_RSA_BITS = 16384

Jwk = Mapping[str, Any]


@dataclass(frozen=True)
class SigningKey:
    """A key that may verify one algorithm.

    Attributes:
        key: the public key, as PyJWT's algorithms take it.
        issuer: the tenant issuer that Entra writes beside each key (entra.md 1.3); "" where it is no string.
    """

    key: Any = field(repr=False)
    algorithm: str
    kid: str | None
    issuer: str | None


def select(keys: Sequence[Jwk], *, kid: str | None, algorithm: str) -> Jwk | None:
    """The only key that can have signed; None where the set has no key of that ID.

    Raises:
        TokenRefused: several keys fit, or the named one is not for signing with this algorithm.
    """
    named = [key for key in keys if kid is None or key.get("kid") == kid]
    fitting = [key for key in named if _fits(key, algorithm)]
    if len(fitting) > 1:
        raise token_errors.TokenKeyAmbiguous
    if fitting:
        return fitting[0]
    if named and kid is not None:
        raise token_errors.TokenKeyUnusable
    return None


def _fits(key: Jwk, algorithm: str) -> bool:
    operations = key.get("key_ops")
    return (
        key.get("kty") == _KTY_OF_PREFIX.get(algorithm[:2])
        and key.get("use") in (None, "sig")
        and key.get("alg") in (None, algorithm)
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
        and (algorithm not in _CURVES or key.get("crv") in _CURVES[algorithm])
    )


def load(jwk: Jwk, algorithm: str) -> SigningKey:
    """Builds the public key. The algorithm is ours, for a JWK without `alg` too: PyJWT would guess RS256."""
    # Only the public part: a provider that publishes a private key by mistake must not hand it to us.
    public = {member: jwk[member] for member in _PUBLIC_MEMBERS if member in jwk}
    try:
        key = PyJWK(public, algorithm=algorithm).key
    except (PyJWTError, ValueError, TypeError, AttributeError, OverflowError):
        raise token_errors.TokenKeyUnusable from None
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _MIN_RSA_BITS:
            raise token_errors.TokenKeyTooShort
        if key.key_size > _MAX_RSA_BITS:
            raise token_errors.TokenKeyUnusable
    issuer, kid = jwk.get("issuer"), jwk.get("kid")
    return SigningKey(
        key=key,
        algorithm=algorithm,
        kid=kid if isinstance(kid, str) else None,
        issuer=issuer if issuer is None or isinstance(issuer, str) else "",
    )
