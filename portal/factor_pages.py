"""The pages on which a person sees and changes her second factors, in either portal.

The portals' own views guard them: who may open them, and how fresh her sign-in must be.
"""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from idp.factor_owners import factor_owner
from idp.queries import password_owner
from portal.actors import actor_of
from portal.browsers import browser_name
from portal.challenges import new_challenge, take_challenge
from portal.faces import Face
from portal.factor_checks import CodeForm
from portal.pending_seed import forget_pending_seed, in_groups, pending_seed, posted_seed
from portal.qr import qr_svg
from portal.standing_in import stood_in_for
from users import passkeys
from users.audit import record_refusal
from users.break_glass import repairs_until
from users.errors import DirectoryError
from users.factor_errors import EnrolmentOver, SecretUnreadable
from users.factors import (
    Enrolled,
    factors_of,
    is_required,
    must_enrol,
    remove_authenticator_app,
    remove_passkey,
)
from users.models import User
from users.recovery_codes import HOW_MANY
from users.second_factor import add_authenticator_app, app_uri, make_recovery_codes
from users.sessions import note_second_factor

TEMPLATES = "second_factor/"
REGISTER = "register"


class AppCodeForm(CodeForm):
    """The first code that a new authenticator app shows."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["code"].label = "Code from the app"
        self.fields["code"].help_text = "The six digits that it shows for Gatehouse now."
        self.fields["code"].widget.attrs["inputmode"] = "numeric"


class PasskeyForm(forms.Form):
    """What a new passkey is called."""

    name = forms.CharField(
        label="Name",
        max_length=150,
        help_text="So that you know it again: the device or key that holds it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give this passkey a name."},
    )


def _render(
    request: HttpRequest, face: Face, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    shared = {"face": face, "index_url": reverse(face.name("second_factor")), "home_url": reverse(face.home)}
    return render(request, f"{TEMPLATES}{template}.html", {**shared, **context}, status=status)


def index(request: HttpRequest, face: Face) -> HttpResponse:
    """Show which second factors there are, or why they are not hers to change here."""
    person = cast(User, request.user)
    found = factors_of(person)
    context = {
        "provider": stood_in_for(request.session) or factor_owner(person),
        "signed_in_by": password_owner(person),
        "factors": found,
        "passkeys": [
            (passkey, reverse(face.name("remove_passkey"), kwargs={"passkey": passkey.pk}))
            for passkey in found.passkeys
        ],
        "how_many": HOW_MANY,
        "required": is_required(person),
        "must_enrol": must_enrol(person),
        "passkeys_available": passkeys.are_available(),
        "public_url": settings.PUBLIC_URL,
        "app_url": reverse(face.name("authenticator_app")),
        "remove_app_url": reverse(face.name("remove_authenticator_app")),
        "add_passkey_url": reverse(face.name("add_passkey")),
        "codes_url": reverse(face.name("recovery_codes")),
        "repairs_until": repairs_until(request.session),
    }
    return _render(request, face, "index", context)


def authenticator_app(request: HttpRequest, face: Face) -> HttpResponse:
    """Show the QR code for an authenticator app, and take the code that the app shows then."""
    person = cast(User, request.user)
    form = AppCodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            done = _add_app(request, person, form.cleaned_data["code"])
        except DirectoryError as error:
            _show(request, form, error)
        else:
            forget_pending_seed(request.session)
            note_second_factor(request.session, "totp")
            return _enrolled(request, face, done, "Your authenticator app is set up.")
    seed = pending_seed(request.session)
    context = {
        "form": form,
        "qr": qr_svg(app_uri(person, seed)),
        "app_uri": app_uri(person, seed),
        "secret": in_groups(seed),
        "replaces": factors_of(person).app is not None,
    }
    return _render(request, face, "app", context, status=422 if form.errors else 200)


def _add_app(request: HttpRequest, person: User, code: str) -> Enrolled:
    seed = posted_seed(request.session)
    keep = request.session.session_key
    try:
        return add_authenticator_app(actor=actor_of(request), person=person, seed=seed, code=code, keep_key=keep)
    except SecretUnreadable as error:
        raise EnrolmentOver() from error


def add_passkey(request: HttpRequest, face: Face) -> HttpResponse:
    """Let the browser make a passkey, and take it."""
    person = cast(User, request.user)
    form = PasskeyForm(
        request.POST if request.method == "POST" else None,
        initial={"name": browser_name(request.headers.get("User-Agent", ""))},
    )
    if form.is_valid():
        try:
            done = _add_passkey(request, person, form.cleaned_data["name"])
        except DirectoryError as error:
            _show(request, form, error)
        else:
            note_second_factor(request.session, "passkey")
            return _enrolled(request, face, done, "Your passkey is added.")
    available, options = passkeys.are_available(), ""
    if available:
        options = passkeys.registration_options(person, new_challenge(request.session, REGISTER))
    context = {"form": form, "available": available, "options": options, "public_url": settings.PUBLIC_URL}
    return _render(request, face, "add_passkey", context, status=422 if form.errors else 200)


def _add_passkey(request: HttpRequest, person: User, name: str) -> Enrolled:
    answer = request.POST.get("passkey", "")
    return passkeys.add_passkey(
        actor=actor_of(request),
        person=person,
        name=name,
        challenge=take_challenge(request.session, REGISTER, answer),
        answer=answer,
        keep_key=request.session.session_key,
    )


def _show(request: HttpRequest, form: forms.Form, error: DirectoryError) -> None:
    """Put a refusal on the form; one that came before the service could record it is recorded here."""
    if not error.reference:
        person = cast(User, request.user)
        record_refusal("users.second_factor.added", actor=actor_of(request), error=error, target=person)
    field = error.field if error.field in form.fields else None
    form.add_error(field, forms.ValidationError(f"{error.message} {error.hint}", code=error.code))


def _enrolled(request: HttpRequest, face: Face, done: Enrolled, said: str) -> HttpResponse:
    """Go on after a factor was added: with the recovery codes, where it was the first."""
    if done.sessions_ended:
        ended = f"{done.sessions_ended} other session{'' if done.sessions_ended == 1 else 's'}"
        said = f"{said} {ended} of yours ended: {'it was' if done.sessions_ended == 1 else 'they were'} opened without."
    messages.success(request, said)
    if not done.recovery_codes:
        return redirect(face.name("second_factor"))
    return _codes(request, face, done.recovery_codes)


def _codes(request: HttpRequest, face: Face, codes: tuple[str, ...]) -> HttpResponse:
    """Show codes, in the answer to the form itself: they are stored nowhere from which they could be shown again."""
    person = cast(User, request.user)
    lines = [f"Gatehouse recovery codes of {person.company_email}", "Each works once.", "", *codes, ""]
    return _render(request, face, "codes", {"label": f"{len(codes)} codes", "codes": codes, "file": "\r\n".join(lines)})


def new_recovery_codes(request: HttpRequest, face: Face) -> HttpResponse:
    """Say what new recovery codes mean, and make them."""
    person = cast(User, request.user)
    if request.method == "POST":
        return _codes(request, face, make_recovery_codes(actor=actor_of(request), person=person))
    return _render(request, face, "new_codes", {"factors": factors_of(person), "how_many": HOW_MANY})


def remove_app(request: HttpRequest, face: Face) -> HttpResponse:
    """Remove the authenticator app."""
    try:
        remove_authenticator_app(actor=actor_of(request), person=cast(User, request.user))
    except DirectoryError as error:
        messages.error(request, f"{error.message} {error.hint}")
    else:
        messages.success(request, "The authenticator app was removed. Delete its entry in the app, too.")
    return redirect(face.name("second_factor"))


def remove_key(request: HttpRequest, face: Face, key: str) -> HttpResponse:
    """Remove a passkey."""
    try:
        name = remove_passkey(actor=actor_of(request), person=cast(User, request.user), key=key)
    except DirectoryError as error:
        messages.error(request, f"{error.message} {error.hint}")
    else:
        messages.success(request, f"The passkey “{name}” was removed. Delete it on the device, too.")
    return redirect(face.name("second_factor"))
