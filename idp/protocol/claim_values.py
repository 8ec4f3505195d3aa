"""Reading a claim that an administrator named: text, several texts, or why there is nothing to go by."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from idp.protocol.claims import has_controls

# So many values of a claim are looked at, each so long: an ID token is bounded, but what is compared need not be.
MAX_VALUES = 1000
MAX_LENGTH = 255
NAME_MAX_LENGTH = 200
_NAME = re.compile(r"[\x21-\x7e]{1,200}")
_YES = (True, 1, "true", "1")

# What says how a token was made and for which session, or whose it is: nothing of it is a fact about a person.
_PROTOCOL = """
    iss sub aud exp iat nbf nonce jti azp acr amr auth_time at_hash c_hash s_hash sid session_state login_hint ver tid
    oid uti rh aio ipaddr hasgroups _claim_names _claim_sources events cnf sub_jwk
"""
PROTOCOL_CLAIMS = frozenset(_PROTOCOL.split())


class Found(Enum):
    """What became of looking for a claim.

    ELSEWHERE: the provider left it out because it is too large (groups overage), or keeps it at another place (OpenID
    Connect Core 1.0, section 5.6.2). That is another thing than having no value.
    UNUSABLE: it is there, and holds neither text nor a list of texts.
    """

    PRESENT = "present"
    MISSING = "missing"
    ELSEWHERE = "elsewhere"
    UNUSABLE = "unusable"


@dataclass(frozen=True)
class ClaimValue:
    """What a claim says: its texts, and whether it was one text and no list."""

    found: Found
    values: tuple[str, ...] = ()
    is_text: bool = False


def is_claim_name(text: str) -> bool:
    """Return whether a text can be the name of a claim: visible ASCII, as in `groups` or `https://example.com/team`."""
    return _NAME.fullmatch(text) is not None


def read_claim(claims: Mapping[str, Any], name: str) -> ClaimValue:
    """Return what a claim of a verified ID token says. An empty text says nothing: it is the same as a missing claim.

    An empty list does say something: that none of the values apply.
    """
    if _is_elsewhere(claims, name):
        return ClaimValue(Found.ELSEWHERE)
    value = claims.get(name)
    if value is None:
        return ClaimValue(Found.MISSING)
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return ClaimValue(Found.MISSING)
        return ClaimValue(Found.PRESENT, (text,), is_text=True)
    if isinstance(value, list) and len(value) <= MAX_VALUES and all(isinstance(each, str) for each in value):
        return ClaimValue(Found.PRESENT, tuple(text for each in value if (text := each.strip())))
    return ClaimValue(Found.UNUSABLE)


def texts_of(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims that rules can go by, for trying rules out later: bounded, and nothing about the session."""
    kept: dict[str, Any] = {}
    for name in sorted(claims):
        if name in PROTOCOL_CLAIMS or not is_claim_name(name):
            continue
        read = read_claim(claims, name)
        values = [value for value in read.values if len(value) <= MAX_LENGTH and not has_controls(value)]
        if read.found is Found.PRESENT and len(values) == len(read.values):
            kept[name] = values[0] if read.is_text else values
    return kept


def left_out(claims: Mapping[str, Any]) -> list[str]:
    """Return the names of the claims that the provider keeps elsewhere."""
    named = claims.get("_claim_names")
    names = {name for name in named if isinstance(name, str)} if isinstance(named, Mapping) else set()
    return sorted(name for name in {*names, "groups"} if is_claim_name(name) and _is_elsewhere(claims, name))


def _is_elsewhere(claims: Mapping[str, Any], name: str) -> bool:
    named = claims.get("_claim_names")
    if isinstance(named, Mapping) and name in named:
        return True
    # Entra's word for the same where the token came through the browser (reference: groups overage claim).
    return name == "groups" and "groups" not in claims and claims.get("hasgroups") in _YES
