"""The page on which a signed-in person confirms that it is she, in either portal."""

from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from portal.actors import actor_of
from portal.errors import error_page
from portal.faces import Face
from portal.fresh import mark_fresh
from portal.sign_in import safe_next
from users.audit import record, record_refusal
from users.errors import DirectoryError, SignInLocked
from users.lockout import forget_failures
from users.models import User

ACTION = "portal.confirmation"
PRESS_AGAIN = "Thank you. Nothing was done before: what you typed was not kept, so look at it and press again."


class ConfirmationFailed(DirectoryError):
    """The password on the confirmation page is not that of the person who is signed in."""

    code = "portal.confirmation_failed"
    message = "That password did not work."
    hint = "Check it and try again. After five failures the account is locked for 15 minutes."
    http_status = 401
    exit_status = 3
    field = "password"


class ConfirmForm(forms.Form):
    """The password once more."""

    password = forms.CharField(
        label="Password",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Enter your password."},
    )


def confirm_page(request: HttpRequest, face: Face) -> HttpResponse:
    """Ask for the password, and go on to the page that needs it."""
    home = reverse(face.home)
    given = request.POST if request.method == "POST" else request.GET
    next_path = safe_next(request, given.get("next"), home)
    next_path = next_path if next_path.startswith(home) else home
    form = ConfirmForm(request.POST if request.method == "POST" else None)
    error: DirectoryError | None = None
    if form.is_valid():
        try:
            _confirm(request, form)
        except SignInLocked as locked:
            return error_page(request, locked)
        except DirectoryError as refused:
            error = refused
        else:
            if given.get("again"):
                messages.info(request, PRESS_AGAIN)
            return redirect(next_path)
    context = {
        "face": face,
        "form": form,
        "error": error,
        "next_path": next_path,
        "again": bool(given.get("again")),
        "cancel_url": home,
    }
    status = error.http_status if error else 422 if request.method == "POST" else 200
    return render(request, "second_factor/confirm.html", context, status=status)


def _confirm(request: HttpRequest, form: ConfirmForm) -> None:
    person = cast(User, request.user)
    try:
        found = authenticate(request, username=person.company_email, password=form.cleaned_data["password"])
        if getattr(request, "axes_locked_out", False):
            raise SignInLocked()
        if found != person:
            raise ConfirmationFailed()
    except DirectoryError as error:
        record_refusal(f"{ACTION}.failed", actor=actor_of(request), error=error, target=person)
        raise
    forget_failures(person.company_email)
    mark_fresh(request.session)
    record(f"{ACTION}.succeeded", actor=actor_of(request), target=person, details={"method": "password"})
