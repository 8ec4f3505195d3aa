"""Passkeys: what the browser is asked, and whether its answer is right (W3C Web Authentication, level 3)."""

import ipaddress
import json
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from users import names, notices
from users.audit import Actor, audited, record
from users.errors import NameInvalid
from users.factor_errors import (
    PasskeyCounterWentBack,
    PasskeyKnown,
    PasskeyOnlyTouched,
    PasskeyRefused,
    PasskeysTooMany,
    PasskeysUnavailable,
)
from users.factors import Enrolled, enrol, locked_owner
from users.models import Passkey, User

RP_NAME = "Gatehouse"
TIMEOUT_MILLISECONDS = 5 * 60 * 1000
LIMIT = 10
# An answer is a few hundred bytes; one with a long attestation has a few thousand.
ANSWER_LIMIT = 64 * 1024
# What the library raises for an answer that is no answer: its own, and what parsing such bytes can lead to.
_MALFORMED = (
    WebAuthnException,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)


def rp_id() -> str:
    """Return the domain for which passkeys are made: the host of PUBLIC_URL (section 5.1.2)."""
    return urlsplit(settings.PUBLIC_URL).hostname or ""


def origin() -> str:
    """Return the origin at which browsers use them."""
    parts = urlsplit(settings.PUBLIC_URL)
    return f"{parts.scheme}://{parts.netloc}"


def are_available() -> bool:
    """Return whether browsers offer passkeys here: at https and on localhost, and at no bare address."""
    host = rp_id()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(host) and (settings.PUBLIC_URL.startswith("https:") or host == "localhost")
    return False


def registration_options(person: User, challenge: bytes) -> str:
    """Return, as JSON, what `navigator.credentials.create()` is asked for. Her present passkeys are excluded."""
    return options_to_json(
        generate_registration_options(
            rp_id=rp_id(),
            rp_name=RP_NAME,
            user_id=person.pk.bytes,
            user_name=person.company_email,
            user_display_name=person.label,
            challenge=challenge,
            timeout=TIMEOUT_MILLISECONDS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
            ),
            exclude_credentials=_descriptors(person),
        )
    )


def authentication_options(person: User, challenge: bytes, *, alone: bool = False) -> str:
    """Return, as JSON, what `navigator.credentials.get()` is asked for: one of this person's passkeys.

    Args:
        alone: no password comes with it, so the authenticator has to see to it who touches it.
    """
    return options_to_json(
        generate_authentication_options(
            rp_id=rp_id(),
            challenge=challenge,
            timeout=TIMEOUT_MILLISECONDS,
            allow_credentials=_descriptors(person),
            user_verification=UserVerificationRequirement.REQUIRED if alone else UserVerificationRequirement.PREFERRED,
        )
    )


def challenge_of(answer: str) -> bytes:
    """Return the challenge that an answer claims to be about; nothing is checked yet.

    Raises:
        PasskeyRefused: it is no answer.
    """
    try:
        return parse_client_data_json(base64url_to_bytes(_parsed(answer)["response"]["clientDataJSON"])).challenge
    except _MALFORMED as error:
        raise PasskeyRefused(reason="malformed") from error


@audited("users.second_factor.added")
def add_passkey(
    *, actor: Actor, person: User, name: str, challenge: bytes, answer: str, keep_key: str | None = None
) -> Enrolled:
    """Make a passkey one of a person's second factors.

    Args:
        name: what she calls it.
        challenge: what she was asked in this session, unused until now.
        answer: what the browser answered, as JSON.
        keep_key: the key of the session in which she does it.

    Raises:
        PasskeysUnavailable: browsers offer none at PUBLIC_URL.
        NameInvalid: the name is empty, or cannot be kept.
        PasskeysTooMany, PasskeyKnown: see there.
        PasskeyRefused: the answer is not to this question, or not from our own address.
    """
    person = locked_owner(actor, person)
    if not are_available():
        raise PasskeysUnavailable(public_url=settings.PUBLIC_URL)
    name = names.clean_name(name, field="name")
    if not name:
        raise NameInvalid(field="name")
    if Passkey.objects.filter(person=person).count() >= LIMIT:
        raise PasskeysTooMany(limit=LIMIT)
    passkey = _registered(person, name, challenge, _parsed(answer))
    try:
        with transaction.atomic():
            done = enrol(person, passkey, keep_key=keep_key)
    except IntegrityError as error:
        raise PasskeyKnown() from error
    details = {"factor": "passkey", "name": name, "sessions_ended": done.sessions_ended}
    record("users.second_factor.added", actor=actor, target=person, details=details)
    notices.second_factor_changed(actor=actor, person=person, change="passkey added")
    return done


def _registered(person: User, name: str, challenge: bytes, answer: dict[str, Any]) -> Passkey:
    try:
        verified = verify_registration_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=rp_id(), expected_origin=origin()
        )
    except _MALFORMED as error:
        raise PasskeyRefused(reason=_reason(error)) from error
    response = answer.get("response")
    told = response.get("transports") if isinstance(response, dict) else None
    known = [transport.value for transport in AuthenticatorTransport]
    return Passkey(
        person=person,
        name=name,
        credential_id=bytes_to_base64url(verified.credential_id),
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        transports=[transport for transport in told if transport in known] if isinstance(told, list) else [],
    )


@transaction.atomic
def spend_passkey(*, person: User, challenge: bytes, answer: str, alone: bool = False) -> Passkey:
    """Check that a person's own passkey answered, note its use, and return it.

    The caller writes the audit row of the sign-in and counts failures.

    Args:
        challenge: what she was asked in this session, unused until now.
        answer: what the browser answered, as JSON.
        alone: no password came with it. A touch shows that somebody is there; only a PIN, a finger or a face shows who
            (section 6.1, the flags "user present" and "user verified").

    Raises:
        PasskeyRefused: it is not hers, or the answer is not to this question, or not from our own address.
        PasskeyOnlyTouched: it stands alone, and its authenticator asked nobody who she is.
        PasskeyCounterWentBack: it counts no further than before.
    """
    given = _parsed(answer)
    wanted = str(given.get("id", ""))[:1366].replace("\x00", "")
    passkey = Passkey.objects.select_for_update().filter(person=person, credential_id=wanted).first()
    if passkey is None:
        raise PasskeyRefused(reason="unknown")
    try:
        verified = verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=rp_id(),
            expected_origin=origin(),
            credential_public_key=bytes(passkey.public_key),
            credential_current_sign_count=0,  # compared below, where going back has an error of its own
        )
        _check_user_handle(person, given)
    except _MALFORMED as error:
        raise PasskeyRefused(reason=_reason(error)) from error
    if alone and not verified.user_verified:
        raise PasskeyOnlyTouched(name=passkey.name)
    count = verified.new_sign_count
    if (count or passkey.sign_count) and count <= passkey.sign_count:
        raise PasskeyCounterWentBack(name=passkey.name, stored=passkey.sign_count, counted=count)
    passkey.sign_count, passkey.last_used_at = count, timezone.now()
    passkey.save(update_fields=["sign_count", "last_used_at"])
    return passkey


def _check_user_handle(person: User, given: dict[str, Any]) -> None:
    """Raise ValueError where the authenticator says that the passkey is somebody else's (section 7.2, step 6)."""
    response = given.get("response")
    handle = response.get("userHandle") if isinstance(response, dict) else None
    if handle and base64url_to_bytes(str(handle)) != person.pk.bytes:
        raise ValueError("Unexpected user handle")


def _descriptors(person: User) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(passkey.credential_id),
            transports=[AuthenticatorTransport(transport) for transport in passkey.transports] or None,
        )
        for passkey in Passkey.objects.filter(person=person)
    ]


def _parsed(answer: str) -> dict[str, Any]:
    try:
        parsed = json.loads(answer) if len(answer) <= ANSWER_LIMIT else None
    except (ValueError, RecursionError) as error:
        raise PasskeyRefused(reason="malformed") from error
    if not isinstance(parsed, dict):
        raise PasskeyRefused(reason="malformed")
    return parsed


def _reason(error: Exception) -> str:
    """Return what the library found, for the audit log. Answers hold no secret."""
    return f"{error}"[:200] or type(error).__name__
