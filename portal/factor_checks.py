"""Checking the second factor that a page was sent: a typed code, or a passkey's answer."""

from typing import Any

from django import forms
from django.http import HttpRequest

from portal.actors import actor_of
from portal.challenges import new_challenge, take_challenge
from users import passkeys
from users.factor_errors import PasskeyChallengeOver, PasskeyOnlyTouched, SeedUnreadable
from users.factors import Factors
from users.models import User
from users.second_factor import spend_typed_code

# What is no guess at anything: the page was old, the right passkey did not ask who touched it, a key is missing.
NO_GUESS = (PasskeyChallengeOver, PasskeyOnlyTouched, SeedUnreadable)


class CodeForm(forms.Form):
    """A code of the authenticator app, or a recovery code."""

    code = forms.CharField(
        label="Code",
        max_length=64,
        help_text="The six digits that your authenticator app shows now, or one of your recovery codes.",
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "spellcheck": "false", "autocapitalize": "off"}
        ),
        error_messages={"required": "Enter a code."},
    )


def spend_posted_factor(
    request: HttpRequest, person: User, *, purpose: str, code: str = "", alone: bool = False
) -> str:
    """Use up what was posted, and return what it was: `totp`, `passkey`, `recovery code`. The caller counts the guess.

    Args:
        purpose: what a passkey was asked for.
        code: what was typed; a passkey's answer counts before it.
        alone: no password comes with it.

    Raises:
        SecondFactorWrong, SecondFactorCodeUsed, SeedUnreadable: see there.
        PasskeyRefused, PasskeyChallengeOver, PasskeyOnlyTouched, PasskeyCounterWentBack: see there.
    """
    answer = request.POST.get("passkey", "")
    if not answer:
        return spend_typed_code(actor=actor_of(request), person=person, code=code)
    challenge = take_challenge(request.session, purpose, answer)
    passkeys.spend_passkey(person=person, challenge=challenge, answer=answer, alone=alone)
    return "passkey"


def passkey_context(
    request: HttpRequest, person: User, factors: Factors, *, purpose: str, alone: bool = False
) -> dict[str, Any]:
    """Return what a page needs to offer a person's passkeys; each page has a challenge of its own."""
    if not factors.passkeys or not passkeys.are_available():
        return {"passkey_options": ""}
    challenge = new_challenge(request.session, purpose)
    return {"passkey_options": passkeys.authentication_options(person, challenge, alone=alone)}
