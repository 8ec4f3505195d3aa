"""Reading claims of strangers: strict where identity hangs on them, tolerant where they are only shown."""

import math
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from idp.protocol.types import IdTokenClaims

_MAX_TEXT = 255
# Entra's login_hint is opaque and longer than a name.
_MAX_OPAQUE = 2048
_MAX_TIME = 253402300799.0  # the end of the year 9999: later ones are no times that a database can hold
# Bidirectional controls reorder what stands beside a name; joiners stay, because names in some scripts need them.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_YES = ("true", "1")
_NO = ("false", "0")


def numeric_date(value: object) -> float | None:
    """A NumericDate (RFC 7519 section 2); None for everything else, `true` and "1767000000" included."""
    if type(value) is not int and type(value) is not float:
        return None
    # Compared before float(): a huge integer would overflow it.
    return float(value) if abs(value) <= _MAX_TIME and math.isfinite(value) else None


def has_controls(text: str) -> bool:
    """Whether a text holds control characters, line separators or bidirectional controls."""
    return any(_is_control(character) for character in text)


def build(claims: Mapping[str, Any], *, audience: tuple[str, ...], entra: bool, is_guest: bool) -> IdTokenClaims:
    """The claims of a token that passed every check."""
    return IdTokenClaims(
        issuer=claims["iss"],
        subject=claims["sub"],
        audience=audience,
        issued_at=int(claims["iat"]),
        expires_at=int(claims["exp"]),
        # Another provider may issue claims of the same names; they are no identity there.
        tenant_id=claims["tid"].lower() if entra else "",
        object_id=claims["oid"].lower() if entra else "",
        email=_identifier(claims, "email"),
        preferred_username=_identifier(claims, "preferred_username"),
        upn=_identifier(claims, "upn"),
        name=_display(claims, "name"),
        given_name=_display(claims, "given_name"),
        family_name=_display(claims, "family_name"),
        sid=_identifier(claims, "sid"),
        login_hint=_identifier(claims, "login_hint", _MAX_OPAQUE),
        is_guest=is_guest,
        domain_owner_verified=_tristate(claims.get("xms_edov")),
        email_verified=_tristate(claims.get("email_verified")),
        # The nonce has done its work, and what is shown to an administrator should not hold it.
        raw=MappingProxyType({name: value for name, value in claims.items() if name != "nonce"}),
    )


def _display(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str):
        return ""
    return "".join(character for character in value if not _is_control(character)).strip()[:_MAX_TEXT]


def _identifier(claims: Mapping[str, Any], name: str, limit: int = _MAX_TEXT) -> str:
    """A value that is compared with others: never shortened or repaired, which could make it another's."""
    value = claims.get(name)
    if not isinstance(value, str) or len(value) > limit or has_controls(value):
        return ""
    return value.strip()


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Zl", "Zp"} or character in _BIDI


def _tristate(value: object) -> bool | None:
    """Entra emits `xms_edov` as true, 1, "1" or "true" (entra.md 1.5); None is unknown."""
    if isinstance(value, list | dict | float):
        return None
    text = str(value).lower()
    return True if text in _YES else False if text in _NO else None
