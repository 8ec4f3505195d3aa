"""A rehearsal's result in words: the claims to show, whom they match and why, or why nobody and what cures it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from idp.federation import Match
from idp.federation_errors import PersonAwaitsActivation
from idp.jit import CREATED, Newcomer
from idp.models import IdentityProvider, PersonField, Rehearsal
from idp.protocol.types import IdTokenClaims
from users.errors import DirectoryError
from users.models import State, User

ADMINISTRATOR = "federation.person_is_administrator"

# Handles that mean something to the provider only, or that could be used there.
_HIDDEN = frozenset(
    {"nonce", "sid", "login_hint", "aio", "rh", "uti", "at_hash", "c_hash", "s_hash", "jti", "session_state"}
)
_TIMES = frozenset({"iat", "nbf", "exp", "auth_time", "updated_at"})
_FIRST = ("name", "email", "upn", "preferred_username", "oid", "sub", "tid", "iss", "aud")
_LONGEST = 200
_OPAQUE_FROM = 48

_RULES = {
    "link": "By the link that an earlier sign-in made: this is the same account ({subject}).",
    "external_id": "By external ID: it is the object ID of this account. Signing in makes the link.",
    "email": "By company email, which the provider vouches for. Signing in makes the link; from then on the email does "
    "not matter any more.",
}

_LINK_A_PERSON = "People and links > Link a person, with the {subject_name} {subject_id}"
_ADD = f"Add the person in Gatehouse, or link whom you mean to this account: {_LINK_A_PERSON}."
_LINK = f"If it is the right account, link it: {_LINK_A_PERSON}."

# Why a valid token matches nobody, and what an administrator does about it.
_REASONS: dict[str, tuple[str, str]] = {
    "federation.no_match": (
        "Nobody in Gatehouse has the company email {emails}, and this account is linked to nobody.",
        _ADD,
    ),
    "federation.newcomer_routed_elsewhere": (
        "Nobody in Gatehouse has the company email {emails}. The person would be added, but no routing policy would "
        "send them to this provider, so they could not come in.",
        "Let a routing policy take the email domain, or a group that new people join.",
    ),
    "federation.email_missing": (
        "The ID token holds neither an email nor a UPN, and this account is linked to nobody.",
        "In Entra, App registrations > your application > Token configuration, add the optional ID claims email and "
        "upn. At other providers, let the application have the scope email.",
    ),
    "federation.email_not_plain": (
        "The email in the ID token has characters that may imitate others, so it is not compared.",
        _LINK,
    ),
    "federation.email_outside_domains": (
        "The email's domain, {domains}, is not among this provider's email domains.",
        "Add the domain to Email domains under Change, or rehearse with another account.",
    ),
    "federation.email_unverified": (
        "The provider does not vouch for the email: it is not marked as verified, or its domain is not the company's.",
        "Verify the email or its domain at the provider. " + _LINK,
    ),
    "federation.guest_not_linked": (
        "The account is a guest of the tenant, and guests are never found by email.",
        _LINK,
    ),
    "federation.external_id_contradicts": (
        "{person} has this email, but the external ID of another account.",
        "Compare the external ID with the object ID in Entra admin center > Users. " + _LINK,
    ),
    "federation.match_ambiguous": ("Email and UPN belong to different people: {people}.", _LINK),
    "federation.person_linked_elsewhere": (
        "{person} has this email, but is linked to another account of this provider.",
        "If the account was replaced, remove the old link under People and links; if not, somebody else got the email.",
    ),
    "federation.person_suspended": ("{person} is matched, but is suspended.", "manage.py users activate {person}"),
    "federation.person_staged": ("{person} is matched, but is not active yet.", "manage.py users activate {person}"),
    ADMINISTRATOR: (
        "{person} is an administrator. Administrators are never sent to a provider: they sign in with their Gatehouse "
        "password, so that somebody can repair a broken provider.",
        "Nothing has to be done. To see a person's match, rehearse with the account of somebody without a role.",
    ),
    "idp.token.guest": (
        "The account {email} is a guest of the tenant, and this provider refuses guests.",
        "Tick Allow guests of the tenant under Change, or rehearse with an account of the company.",
    ),
}


_FIELDS = {
    "client_id": "Client ID",
    "client_secret": "Client Secret",
    "certificate": "Certificate",
    "email_domains": "Email domains",
    "allow_guests": "Allow guests of the tenant",
}
_FIELD_OF = {
    "federation.email_outside_domains": "email_domains",
    "idp.token.guest": "allow_guests",
    "idp.token.audience": "client_id",
    "idp.token.issuer": "url",
    "idp.token.tenant": "url",
}


def matched(match: Match, claims: IdTokenClaims) -> dict[str, str]:
    """Return the verdict on somebody who would be signed in."""
    return {
        "rule": match.rule,
        "person": match.person.label,
        "email": match.person.company_email,
        "cause": _RULES[match.rule].format(subject=claims.federated_subject),
        "cure": "",
        "code": "",
        "message": "",
        "hint": "",
    }


def created(person: User) -> dict[str, str]:
    """Return the verdict on somebody whom a sign-in would add."""
    refusal = PersonAwaitsActivation() if person.state == State.STAGED else None
    return {
        "rule": CREATED,
        "person": person.label,
        "email": person.company_email,
        "cause": "Nobody in Gatehouse has this email, and this provider adds people of its domain at their first "
        "sign-in.",
        "cure": "",
        "code": "",
        "message": refusal.message if refusal else "",
        "hint": refusal.hint if refusal else "",
    }


def shown_person(newcomer: Newcomer) -> dict[str, Any]:
    """Return what a person would be added with, for the page."""
    person = newcomer.person
    facts = {PersonField(field).label: getattr(person, field) for field in PersonField.values}
    facts = {"Company email": person.company_email, "State": State(person.state).label, **facts}
    return {
        "facts": {label: text for label, text in facts.items() if text},
        "groups": [group.name for group in newcomer.groups],
    }


def refused(error: DirectoryError, provider: IdentityProvider, claims: IdTokenClaims | None) -> dict[str, str]:
    """Return the verdict on a refusal: cause and cure for the administrator, and what the person would read."""
    facts = {name: _plain(value) for name, value in error.context.items()}
    facts |= {"subject_name": "object ID" if provider.is_entra else "subject"}
    if claims is not None:
        facts["subject_id"] = claims.object_id or claims.subject
    cause, cure = _REASONS.get(error.code, ("", ""))
    return {
        "rule": "",
        "person": facts.get("person", "") if error.code == ADMINISTRATOR else "",
        "email": "",
        "cause": cause.format_map(_Facts(facts)) or getattr(error, "admin_detail", "") or error.message,
        "cure": cure.format_map(_Facts(facts)) or getattr(error, "admin_hint", "") or error.hint,
        "field": _field_label(error, provider),
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
    }


def _field_label(error: DirectoryError, provider: IdentityProvider) -> str:
    """Return which field of the provider's form a refusal is about, or "" where it is about none."""
    labels = {"url": "Entra IdP URL" if provider.is_entra else "Issuer", **_FIELDS}
    return labels.get(_FIELD_OF.get(error.code, error.field), "")


def shown_claims(claims: IdTokenClaims) -> dict[str, str]:
    """Return the claims that an administrator may read, in words: no nonce, no handle, nothing that looks like one."""
    shown = {}
    for name, value in sorted(claims.raw.items()):
        if name.lower() in _HIDDEN or _is_opaque(name, value):
            continue
        shown[_clip(name)] = _clip(_in_words(name, value))
    return shown


def _is_opaque(name: str, value: Any) -> bool:
    """Return whether a value is a long run of characters without meaning, such as a token of its own."""
    if name == "sub" or not isinstance(value, str):
        return False
    return len(value) > _OPAQUE_FROM and not any(mark in value for mark in " @/")


def _in_words(name: str, value: Any) -> str:
    if name in _TIMES and type(value) in (int, float) and 0 < value < 253402300800:
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(value, default=str)


def _plain(value: Any) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list | tuple | set) else str(value)


def _clip(text: str) -> str:
    """Return a text without NUL and lone surrogates, which PostgreSQL refuses, and of bounded length."""
    text = text.encode("utf-8", "replace").decode().replace("\x00", "")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


class _Facts(dict[str, str]):
    """Says "unknown" for what an error did not tell, instead of failing while it is explained."""

    def __missing__(self, key: str) -> str:
        return "(unknown)"


def in_a_few_words(rehearsal: Rehearsal) -> str:
    """Return how a rehearsal ended, for a list."""
    verdict = rehearsal.verdict
    if rehearsal.finished_at is None:
        return "Not come back"
    if verdict.get("rule"):
        return f"{verdict['person']} would be {'added' if verdict['rule'] == CREATED else 'signed in'}"
    if rehearsal.succeeded:
        return f"Worked; {verdict['person']} is an administrator"
    return f"Refused: {verdict.get('cause', '')}"


def with_the_person_first(claims: Mapping[str, str]) -> dict[str, str]:
    """Return claims in the order in which they help: who it is, then everything else by name."""
    first = [name for name in _FIRST if name in claims]
    return {name: claims[name] for name in [*first, *sorted(set(claims) - set(first))]}


def is_success(verdict: Mapping[str, str]) -> bool:
    """Return whether a sign-in would work, or would but for the account being an administrator's."""
    return bool(verdict["rule"]) or verdict["code"] == ADMINISTRATOR
