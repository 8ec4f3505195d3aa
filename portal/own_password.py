"""Changing one's own password, in both portals."""

from typing import cast

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from portal.actors import actor_of
from portal.admin_portal.forms import show_on_form
from portal.errors import error_page
from portal.lockout import counted_guess
from portal.password_forms import ChangePasswordForm
from users.errors import DirectoryError, PasswordManagedExternally, PasswordRefused, SignInLocked
from users.models import User
from users.passwords import change_own_password


def change_password(request: HttpRequest, *, template: str, back: str, **context: object) -> HttpResponse:
    """Show the form, and change the password of whoever is signed in.

    Args:
        back: the name of the page to go on to.
    """
    form = ChangePasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            change_counted(request, form.cleaned_data["old_password"], form.cleaned_data["new_password"])
        except SignInLocked as locked:
            return error_page(request, locked)
        except PasswordManagedExternally:
            raise
        except DirectoryError as error:
            show_on_form(form, error)
        else:
            messages.success(request, "Your password was changed. You were signed out everywhere else.")
            return redirect(back)
    status = 422 if request.method == "POST" else 200
    return render(request, template, {"form": form, **context}, status=status)


def change_counted(request: HttpRequest, old_password: str, new_password: str) -> None:
    """Change the password; a wrong present one counts as a failed sign-in does, so that nobody guesses it here.

    Raises:
        SignInLocked: too many failures.
        OldPasswordWrong, PasswordManagedExternally, PasswordRefused: see `change_own_password`.
    """
    account = cast(User, request.user).company_email
    with counted_guess(request, account, no_guess=(PasswordManagedExternally, PasswordRefused)):
        changed = change_own_password(
            actor=actor_of(request),
            old_password=old_password,
            new_password=new_password,
            keep_key=request.session.session_key,
        )
    # The session at hand goes on under a new key: whoever may have copied the old one is out.
    update_session_auth_hash(request, changed)
