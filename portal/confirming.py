"""The page on which a signed-in person confirms that it is she, in either portal."""

from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from idp.models import IdentityProvider
from portal import late_forms
from portal.actors import actor_of
from portal.errors import error_page
from portal.faces import Face
from portal.factor_checks import NO_GUESS, CodeForm, passkey_context, spend_posted_factor
from portal.federated_session import session_provider
from portal.fresh import mark_fresh
from portal.lockout import counted_guess
from portal.sign_in import safe_next
from users.audit import record, record_refusal
from users.errors import DirectoryError, SignInLocked
from users.factors import Factors, factors_of
from users.lockout import forget_failures
from users.models import User
from users.sessions import opened_by_break_glass

ACTION, PURPOSE = "portal.confirmation", "confirm"
PRESS_AGAIN = "Thank you. Nothing was done before: what you typed could not be kept, so look at it and press again."


class ConfirmationFailed(DirectoryError):
    """The password on the confirmation page is not that of the person who is signed in."""

    code = "portal.confirmation_failed"
    message = "That password did not work."
    hint = "Check it and try again. After five failures the account is locked for 15 minutes."
    http_status = 401
    exit_status = 3
    field = "password"


class ConfirmForm(CodeForm):
    """The password once more, and a code of who has a second factor."""

    password = forms.CharField(
        label="Password",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Enter your password."},
    )

    def __init__(self, data: Any = None, *, factors: Factors, provider: IdentityProvider | None = None) -> None:
        super().__init__(data)
        if not factors:
            del self.fields["code"]
        if provider is not None:
            del self.fields["password"]


def confirm_page(request: HttpRequest, face: Face) -> HttpResponse:
    """Ask for the password, and for the second factor of who has one, and go on to the page that needs it.

    Whom a provider signs in shows her second factor alone, or signs in there once more.
    """
    person, home = cast(User, request.user), reverse(face.home)
    given = request.POST if request.method == "POST" else request.GET
    next_path = safe_next(request, given.get("next"), home)
    next_path = next_path if next_path.startswith(home) else home
    factors, provider = factors_of(person), session_provider(request)
    has_form = request.method == "POST" and not request.POST.get("passkey")
    form = ConfirmForm(request.POST if has_form else None, factors=factors, provider=provider)
    error: DirectoryError | None = None
    if request.method == "POST" and (not has_form or form.is_valid()):
        try:
            _confirm(request, person, factors, form)
        except SignInLocked as locked:
            return error_page(request, locked)
        except DirectoryError as refused:
            error, form = refused, ConfirmForm(factors=factors, provider=provider)  # no page says again what was typed
        else:
            return _go_on(request, next_path)
    context = {
        "face": face,
        "form": form,
        "factors": factors,
        "error": error,
        "next_path": next_path,
        "again": bool(given.get("again")),
        "late_form": given.get(late_forms.FIELD, "")[:100],
        "cancel_url": home,
        "by_break_glass": opened_by_break_glass(request.session),
        "provider": provider,
        "again_url": _sign_in_again(provider, person, next_path) if provider else "",
        **passkey_context(request, person, factors, purpose=PURPOSE, alone=True),
    }
    status = error.http_status if error else 422 if form.errors else 200
    return render(request, "second_factor/confirm.html", context, status=status)


def _sign_in_again(provider: IdentityProvider, person: User, next_path: str) -> str:
    query = {"next": next_path, "login_hint": person.company_email, "confirm": "1"}
    return f"{reverse('federation_begin', args=[provider.slug])}?{urlencode(query)}"


def _go_on(request: HttpRequest, next_path: str) -> HttpResponse:
    """Send the form on that waited for the confirmation, or lead to the page that did."""
    name = request.POST.get(late_forms.FIELD, "")
    if path := late_forms.path_of(request.session, name):
        # 307: the browser posts there what it posted here, with the name of the form that is kept (RFC 9110, 15.4.8).
        return redirect(path, preserve_request=True)
    if name or request.POST.get("again"):
        messages.info(request, PRESS_AGAIN)
    return redirect(next_path)


def _confirm(request: HttpRequest, person: User, factors: Factors, form: ConfirmForm) -> None:
    try:
        with counted_guess(request, person.company_email, no_guess=NO_GUESS):
            method = _checked(request, person, factors, form)
    except DirectoryError as error:
        record_refusal(f"{ACTION}.failed", actor=actor_of(request), error=error, target=person)
        raise
    forget_failures(person.company_email)
    mark_fresh(request.session)
    record(f"{ACTION}.succeeded", actor=actor_of(request), target=person, details={"method": method})


def _checked(request: HttpRequest, person: User, factors: Factors, form: ConfirmForm) -> str:
    """Return how the person showed who she is: by a passkey, or by the password with a code where she has a factor."""
    if not form.is_bound:
        return spend_posted_factor(request, person, purpose=PURPOSE, alone=True)
    if "password" not in form.fields:
        if not factors:
            raise ConfirmationFailed()
        return spend_posted_factor(request, person, purpose=PURPOSE, code=form.cleaned_data["code"])
    found = authenticate(request, username=person.company_email, password=form.cleaned_data["password"])
    if found != person:
        raise ConfirmationFailed()
    if not factors:
        return "password"
    return f"password+{spend_posted_factor(request, person, purpose=PURPOSE, code=form.cleaned_data['code'])}"
