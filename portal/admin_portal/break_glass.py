"""The break-glass link: the page behind it, and the new password that it lets an administrator choose."""

from typing import cast

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.forms import show_on_form
from portal.password_forms import NewPasswordForm
from portal.sign_in import open_session
from users.break_glass import choose_password, find_link, repair_ends, use_link
from users.errors import PasswordRefused
from users.models import Realm, User
from users.permissions import Permission
from users.sessions import BREAK_GLASS


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """Say whom a link lets in, and let her in once she presses the button.

    Looking spends nothing: chats and scanners open every link. The link is spent before the session is opened: should
    that fail, another link is made.
    """
    if request.method == "POST":
        person = use_link(actor=actor_of(request), token=token)
        open_session(request, person, realm=Realm.ADMIN, method=BREAK_GLASS, admission=None)
        return redirect("admin_portal:new_own_password")
    # The address is the secret: the site's own Referrer-Policy, same-origin, keeps it from everybody else. Stricter
    # ones make browsers send "Origin: null" with the form, which the CSRF check rightly refuses.
    link = find_link(actor=actor_of(request), token=token)
    return render(request, "admin_portal/break_glass.html", {"link": link})


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.OPEN_ADMIN_PORTAL, before_enrolment=True)
@sensitive_post_parameters("password", "password_again")
def new_password(request: HttpRequest) -> HttpResponse:
    """Let an administrator whom a link let in choose a password, without the present one."""
    person, key = cast(User, request.user), request.session.session_key or ""
    ends = repair_ends(person=person, session_key=key)
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            changed = choose_password(actor=actor_of(request), password=form.cleaned_data["password"], session_key=key)
        except PasswordRefused as error:
            show_on_form(form, error)
        else:
            # The session at hand goes on under a new key: whoever may have copied the old one is out.
            update_session_auth_hash(request, changed)
            messages.success(request, "Your new password is set. You were signed out everywhere else.")
            return redirect("admin_portal:second_factor")
    status = 422 if request.method == "POST" else 200
    return render(request, "admin_portal/new_password.html", {"form": form, "ends": ends}, status=status)
