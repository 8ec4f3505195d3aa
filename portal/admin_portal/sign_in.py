"""Signing in to the Admin Portal, always locally, and out of it."""

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal.actors import actor_of
from portal.admin_portal.forms import AdminSignInForm
from portal.errors import error_page
from portal.sign_in import safe_next, sign_in_with_password
from users.administrators import needs_setup
from users.audit import record
from users.errors import DirectoryError, SignInLocked
from users.models import Realm
from users.sessions import REALM


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Take email and password of an administrator."""
    home = reverse("admin_portal:home")
    next_path = safe_next(request, request.POST.get("next") or request.GET.get("next"), home)
    if request.method != "POST" and request.user.is_authenticated and request.session.get(REALM) == Realm.ADMIN:
        return redirect(next_path)
    form = AdminSignInForm(request.POST or None)
    error: DirectoryError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            wanted = next_path if next_path.startswith(home) else home
            return sign_in_with_password(request, **form.cleaned_data, realm=Realm.ADMIN, next_path=wanted)
        except SignInLocked as locked:
            return error_page(request, locked)
        except DirectoryError as refused:
            error = refused
    context = {"form": form, "error": error, "next_path": next_path, "needs_setup": needs_setup()}
    status = error.http_status if error else 422 if request.method == "POST" else 200
    return render(request, "admin_portal/sign_in.html", context, status=status)


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the administrator's session. A person's session in the User Portal stays."""
    if request.user.is_authenticated:
        record("admin_portal.sign_out", actor=actor_of(request))
    logout(request)
    return redirect("admin_portal:sign_in")
