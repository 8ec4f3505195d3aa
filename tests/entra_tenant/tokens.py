"""ID tokens: the honest claims of both flavours, and a JOSE writer that can be made to lie."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import uuid
from typing import TYPE_CHECKING, Any

from .grants import Grant
from .keys import SigningKey, b64url, foreign_key, pool_key
from .lies import Claims, SignWith, altered
from .people import Person

if TYPE_CHECKING:
    from .tenant import PracticeTenant

# What Entra's tokens were observed to live; other providers do well with an hour.
ENTRA_LIFETIME = 3900
PLAIN_LIFETIME = 3600


def subject_of(person: Person, client_id: str) -> str:
    """The pairwise `sub`: another one for each client (Core section 8.1)."""
    return b64url(hashlib.sha256(f"{client_id}/{person.oid}".encode()).digest())


def login_hint_of(person: Person) -> str:
    """The opaque `login_hint` claim, which logout takes back as `logout_hint`."""
    return "O." + b64url(f"practice {person.oid}".encode())


def person_behind_hint(people: list[Person], hint: str) -> Person | None:
    """The person whom a login hint means: an email, a UPN, an object id or the opaque claim."""
    return next((person for person in people if person.is_called(hint) or login_hint_of(person) == hint), None)


def honest_claims(tenant: PracticeTenant, grant: Grant, access_token: str = "") -> Claims:
    """What a truthful tenant says about the person of a grant."""
    claims = _entra_claims(tenant, grant) if tenant.is_entra else _plain_claims(tenant, grant, access_token)
    if grant.nonce:
        claims["nonce"] = grant.nonce
    for name, value in grant.person.extra.items():
        if value is None:
            claims.pop(name, None)
        elif tenant.is_entra or name != "idp":
            claims[name] = value
    return claims


def _entra_claims(tenant: PracticeTenant, grant: Grant) -> Claims:
    person, now = grant.person, int(tenant.now())
    claims: Claims = {
        "aud": grant.client_id,
        "iss": tenant.issuer,
        "iat": now,
        "nbf": now,
        "exp": now + ENTRA_LIFETIME,
        "aio": "AXQAi/8" + secrets.token_urlsafe(40),
        "rh": "1.AX" + secrets.token_urlsafe(40),
        "uti": secrets.token_urlsafe(16),
        "ver": "2.0",
        "sub": subject_of(person, grant.client_id),
        "tid": tenant.tenant_id,
        "sid": grant.sid,
        "acct": person.acct,
        "auth_time": grant.auth_time,
        "login_hint": login_hint_of(person),
    }
    scopes = grant.scope.split()
    if "profile" in scopes:
        claims |= _profile(person) | {"oid": person.oid, "upn": person.upn}
    if "email" in scopes:
        claims["email"] = person.email
    return claims


def _plain_claims(tenant: PracticeTenant, grant: Grant, access_token: str) -> Claims:
    person, now = grant.person, int(tenant.now())
    claims: Claims = {
        "iss": tenant.issuer,
        "aud": grant.client_id,
        "sub": subject_of(person, grant.client_id),
        "iat": now,
        "exp": now + PLAIN_LIFETIME,
        "auth_time": grant.auth_time,
        "sid": grant.sid,
    }
    if access_token:
        claims["at_hash"] = half_hash(access_token)
    scopes = grant.scope.split()
    if "profile" in scopes:
        claims |= _profile(person)
    if "email" in scopes:
        claims |= {"email": person.email, "email_verified": True}
    return claims


def _profile(person: Person) -> Claims:
    return {
        "name": person.name,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "preferred_username": person.upn,
    }


def half_hash(value: str) -> str:
    """An `at_hash` or `c_hash` (Core section 3.3.2.11)."""
    return b64url(hashlib.sha256(value.encode()).digest()[:16])


def logout_token(tenant: PracticeTenant, person: Person, sid: str) -> str:
    """A back-channel logout token (Back-Channel Logout section 2.4); the tenant's lies apply to it too."""
    now = int(tenant.now())
    claims: Claims = {
        "iss": tenant.issuer,
        "aud": tenant.client_id,
        "sub": subject_of(person, tenant.client_id),
        "sid": sid,
        "iat": now,
        "exp": now + 120,
        "jti": str(uuid.uuid4()),
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    return mint(tenant, claims, typ="logout+jwt")


def mint(tenant: PracticeTenant, honest: Claims, typ: str = "JWT") -> str:
    """A signed token that says what the tenant's lies make of the honest claims."""
    lie = tenant.lie
    if lie.rotate_before_signing:
        tenant.rotate_keys(drop_old=True)
    claims = altered(honest, lie.claims, lie.drop)
    own = tenant.keys.current
    algorithm, key = _signer(tenant, lie.sign_with, own)
    kid = own.kid if lie.sign_with is SignWith.FOREIGN or key is None else key.kid
    header = altered({"typ": typ, "alg": algorithm, "kid": kid}, lie.header, lie.drop_header)
    payload = lie.payload(claims) if callable(lie.payload) else lie.payload
    signed = f"{b64url(_json(header))}.{b64url(_json(claims) if payload is None else payload)}"
    signature = _signature(tenant, lie.sign_with, own, key, signed.encode())
    if lie.corrupt_signature:
        signature = bytes([signature[0] ^ 0x5A]) + signature[1:] if signature else b"corrupt"
    token = f"{signed}.{b64url(signature)}"
    if lie.id_token is None:
        return token
    return lie.id_token(token) if callable(lie.id_token) else lie.id_token


def published_for(sign_with: SignWith) -> SigningKey | None:
    """The key that the JWKS has to publish in addition, so that only the lie itself is wrong."""
    purposes = {
        SignWith.ENCRYPTION: ("RS256", -2),
        SignWith.RS256: ("RS256", -3),
        SignWith.SHORT: ("short", 0),
        SignWith.ES256: ("ES256", -2),
    }
    return pool_key(*purposes[sign_with]) if sign_with in purposes else None


def _signer(tenant: PracticeTenant, sign_with: SignWith, own: SigningKey) -> tuple[str, SigningKey | None]:
    if sign_with is SignWith.NONE:
        return "none", None
    if sign_with in {SignWith.HS256_PUBLIC_KEY, SignWith.HS256_CLIENT_SECRET}:
        return "HS256", None
    key = foreign_key(own.algorithm) if sign_with is SignWith.FOREIGN else published_for(sign_with) or own
    return key.algorithm, key


def _signature(
    tenant: PracticeTenant, sign_with: SignWith, own: SigningKey, key: SigningKey | None, data: bytes
) -> bytes:
    if key is not None:
        return key.sign(data)
    if sign_with is SignWith.NONE:
        return b""
    hmac_key = own.public_pem if sign_with is SignWith.HS256_PUBLIC_KEY else tenant.client_secret.encode()
    return hmac.digest(hmac_key, data, "sha256")


def _json(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def read_unverified(token: str) -> Claims:
    """A token's claims, unchecked: for tests that want to look at what was said."""
    payload = token.split(".")[1]
    claims: Claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims
