"""Refusals around secrets at rest and second factors: authenticator apps, passkeys and recovery codes."""

from typing import Any

from users.errors import DirectoryError


class SecretUnreadable(DirectoryError):
    """No key in ENCRYPTION_KEYS decrypts a stored secret.

    Attributes:
        admin_detail, admin_hint: the cause and the cure, for those who can do something about it.
    """

    code = "idp.secret_unreadable"
    message = "Gatehouse cannot read what it needs for this: an encryption key is missing."
    hint = "Tell your administrator. Nothing you did is to blame, and trying again will not help."
    http_status = 503
    exit_status = 5
    field = "client_secret"
    what = "The stored client secret"
    cure = "enter the client secret again"

    def __init__(self, *, what: str = "", cure: str = "", **context: Any) -> None:
        """Take what cannot be read, and how to do without it; a client secret unless told otherwise."""
        super().__init__(**context)
        self.admin_detail = f"{what or self.what} cannot be read: its encryption key is missing."
        self.admin_hint = f"Put the former key back into ENCRYPTION_KEYS, or {cure or self.cure}."


class SeedUnreadable(DirectoryError):
    """No key in ENCRYPTION_KEYS decrypts the seed of an authenticator app."""

    code = "users.seed_unreadable"
    message = "Codes of your authenticator app cannot be checked: Gatehouse lacks the key to its secret."
    hint = "Use a passkey or a recovery code, and tell your administrator: ENCRYPTION_KEYS misses a key."
    http_status = 503
    exit_status = 5
    field = "code"


class SecondFactorWrong(DirectoryError):
    """The code is neither the authenticator app's nor an unused recovery code."""

    code = "users.second_factor_wrong"
    message = "That code did not work."
    hint = "Type the code that your app shows now; the clock of its device must be right. A recovery code works once."
    http_status = 401
    exit_status = 3
    field = "code"


class SecondFactorCodeUsed(DirectoryError):
    """The code is right, and was used already (RFC 6238, section 5.2)."""

    code = "users.second_factor_code_used"
    message = "That code was used already."
    hint = "Each code works once: wait until your app shows the next one."
    http_status = 401
    exit_status = 3
    field = "code"


class PasskeyRefused(DirectoryError):
    """The answer of a passkey is not what was asked for, or not hers."""

    code = "users.passkey_refused"
    message = "That passkey was not accepted."
    hint = "Use one that you added to this account, at Gatehouse's own address, or use a code."
    http_status = 401
    exit_status = 3


class PasskeyChallengeOver(DirectoryError):
    """The answer is to a question that was not asked in this session, was answered already, or is too old."""

    code = "users.passkey_challenge_over"
    message = "This page was open for more than five minutes, or was used already."
    hint = "Press the button again: the page has a fresh question for your passkey now."
    http_status = 401
    exit_status = 3


class PasskeyCounterWentBack(DirectoryError):
    """The passkey counts fewer uses than before: there may be a copy of it (WebAuthn, section 6.1.1)."""

    code = "users.passkey_counter_went_back"
    message = "That passkey counts fewer uses than Gatehouse has seen, so there may be a copy of it."
    hint = "Sign in in another way, remove the passkey, and tell your administrator."
    http_status = 401
    exit_status = 3


class PasskeyOnlyTouched(DirectoryError):
    """The passkey was to stand for the password too, and its authenticator did not ask who touched it."""

    code = "users.passkey_only_touched"
    message = "{name} was touched, but it did not ask for a PIN, a finger or a face, so it does not show who you are."
    hint = "Give your password and a code; without a code, sign out and sign in again. Or set a PIN on that key."
    http_status = 401
    exit_status = 3


class PasskeyKnown(DirectoryError):
    """The passkey is registered already."""

    code = "users.passkey_known"
    message = "That passkey was added before."
    hint = "Choose another device or security key, or use the one that is in the list."
    http_status = 409
    exit_status = 3


class PasskeysTooMany(DirectoryError):
    """There are as many passkeys as one person may have."""

    code = "users.passkeys_too_many"
    message = "There are {limit} passkeys already, and that is the most that one person may have."
    hint = "Remove one that you do not use any more."
    http_status = 409
    exit_status = 3


class PasskeysUnavailable(DirectoryError):
    """Browsers offer no passkeys at the address of this Gatehouse."""

    code = "users.passkeys_unavailable"
    message = "Browsers offer no passkeys at {public_url}."
    hint = "They need a host name and https. Use an authenticator app, or let PUBLIC_URL be an https address."
    http_status = 409
    exit_status = 3


class FactorNotFound(DirectoryError):
    """There is no such second factor."""

    code = "users.factor_not_found"
    message = "This second factor is gone already."
    hint = "Load the list of your second factors again."
    http_status = 404
    exit_status = 4


class EnrolmentOver(DirectoryError):
    """The secret that was shown is too old, or another one took its place."""

    code = "users.enrolment_over"
    message = "The QR code was shown more than ten minutes ago, so it does not count any more."
    hint = "Delete the entry in your app, scan the new QR code, and type the code that the app shows then."
    http_status = 409
    exit_status = 3
    field = "code"


class SecondFactorNeeded(DirectoryError):
    """The last second factor of an administrator stays while the company requires one."""

    code = "users.second_factor_needed"
    message = "Your company requires a second factor for administrators, and this is your last one."
    hint = "Add another one first; then remove this one."
    http_status = 409
    exit_status = 3


class SecondFactorMissing(DirectoryError):
    """Recovery codes stand in for a second factor, and there is none."""

    code = "users.second_factor_missing"
    message = "There is no second factor that recovery codes could stand in for."
    hint = "Set up an authenticator app or a passkey first; recovery codes come with it."
    http_status = 409
    exit_status = 3


class SecondFactorManagedExternally(DirectoryError):
    """The person signs in through a provider, which asks for its own second factor."""

    code = "users.second_factor_managed_externally"
    message = "{label} signs in with {provider}, which asks for its own second factor."
    hint = "Set it up there. Gatehouse asks for none while the provider signs this person in."
    http_status = 409
    exit_status = 3
