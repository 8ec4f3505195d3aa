"""Authenticator apps and typed codes: setting an app up, and checking what somebody types (RFC 6238)."""

from hmac import compare_digest

import pyotp
from django.utils import timezone

from users import notices, recovery_codes
from users.audit import Actor, audited, record
from users.factor_errors import (
    SecondFactorCodeUsed,
    SecondFactorMissing,
    SecondFactorWrong,
    SecretUnreadable,
    SeedUnreadable,
)
from users.factors import Enrolled, enrol, has_second_factor, locked_owner
from users.fields import Secret
from users.models import AuthenticatorApp, RecoveryCode, User

ISSUER = "Gatehouse"
# One step of drift either way (RFC 6238, section 5.2).
_DRIFT = (0, -1, 1)


def new_seed() -> Secret:
    """Return a fresh seed of 160 bits, as base32."""
    return Secret.of(pyotp.random_base32())


def app_uri(person: User, seed: Secret) -> str:
    """Return what the QR code for an authenticator app says. It holds the seed."""
    return pyotp.TOTP(seed.reveal()).provisioning_uri(name=person.company_email, issuer_name=ISSUER)


@audited("users.second_factor.added")
def add_authenticator_app(
    *, actor: Actor, person: User, seed: Secret, code: str, keep_key: str | None = None
) -> Enrolled:
    """Make a person's authenticator app her second factor, in place of the one that she had, once it shows the code.

    Args:
        seed: what the app was given.
        keep_key: the key of the session in which she does it.

    Raises:
        SecondFactorWrong: the app shows another code.
    """
    person = locked_owner(actor, person)
    counter = _counter_of(seed, code)
    if counter is None:
        raise SecondFactorWrong()
    replaces = AuthenticatorApp.objects.filter(person=person).exists()
    app = AuthenticatorApp(person=person, seed=seed, last_counter=counter)
    done = enrol(person, app, keep_key=keep_key)
    details = {"factor": "authenticator app", "replaced": replaces, "sessions_ended": done.sessions_ended}
    record("users.second_factor.added", actor=actor, target=person, details=details)
    notices.second_factor_changed(actor=actor, person=person, change="app added")
    return done


@audited("users.recovery_codes.made")
def make_recovery_codes(*, actor: Actor, person: User) -> tuple[str, ...]:
    """Return fresh recovery codes of a person's own. The former ones stop working.

    Raises:
        SecondFactorMissing: there is no factor that they could stand in for.
    """
    person = locked_owner(actor, person)
    if not has_second_factor(person):
        raise SecondFactorMissing()
    left = RecoveryCode.objects.filter(person=person).count()
    codes = recovery_codes.replace_codes(person)
    record("users.recovery_codes.made", actor=actor, target=person, details={"unused": left})
    notices.second_factor_changed(actor=actor, person=person, change="codes made")
    return codes


def spend_typed_code(*, actor: Actor, person: User, code: str) -> str:
    """Use up a code of the authenticator app, or a recovery code, and return which it was: `totp` or `recovery code`.

    The caller writes the audit row of the sign-in and counts failures.

    Raises:
        SecondFactorWrong: it is neither.
        SecondFactorCodeUsed: it was right, and somebody used it before.
        SeedUnreadable: the app's seed cannot be decrypted.
    """
    typed = "".join(code.split())
    if typed.isascii() and typed.isdigit() and len(typed) == 6:
        _spend_app_code(person, typed)
        return "totp"
    if not recovery_codes.spend_code(person, code[:64]):
        raise SecondFactorWrong()
    left = RecoveryCode.objects.filter(person=person).count()
    record("users.recovery_code.used", actor=actor.as_person(person), target=person, details={"left": left})
    return "recovery code"


def _spend_app_code(person: User, code: str) -> None:
    app = AuthenticatorApp.objects.filter(person=person).first()
    if app is None:
        raise SecondFactorWrong()
    try:
        counter = _counter_of(app.seed, code)
    except SecretUnreadable as error:
        raise SeedUnreadable() from error
    if counter is None:
        raise SecondFactorWrong()
    # The database decides between two with the same code.
    unused = AuthenticatorApp.objects.filter(person=person, created_at=app.created_at, last_counter__lt=counter)
    if not unused.update(last_counter=counter, last_used_at=timezone.now()):
        raise SecondFactorCodeUsed()


def _counter_of(seed: Secret, code: str) -> int | None:
    """Return the time step whose code this is, of the present one and its neighbours, or None."""
    totp = pyotp.TOTP(seed.reveal())
    now = totp.timecode(timezone.now())
    typed = "".join(code.split())[:12].encode()
    matching = [now + drift for drift in _DRIFT if compare_digest(totp.generate_otp(now + drift).encode(), typed)]
    return matching[0] if matching else None
