"""Signing in to the User Portal and out of it: email first, then the provider or a password."""

import secrets
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from idp.access_errors import AccessRefused
from idp.guard_returns import settle_guards
from idp.logout import logout_url
from idp.routing import Route, is_for_everyone, offers, route_for_email
from portal.actors import actor_of
from portal.errors import error_page
from portal.federated_session import session_provider
from portal.sign_in import safe_next, sign_in_with_password
from portal.user_portal.access import allow_form_to_provider
from portal.user_portal.federation import start_sign_in
from portal.user_portal.forms import EmailForm, PasswordForm
from portal.user_portal.logout import forget_sign_out, provider_that_is_done, remember_sign_out
from users.audit import record
from users.errors import DirectoryError, SignInFailed, SignInLocked
from users.models import Realm
from users.sessions import REALM


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Take the company email, and send to the provider that the routing policies name, known person or not."""
    next_path = _next(request)
    if request.method != "POST" and request.session.get(REALM) == Realm.USER and request.user.is_authenticated:
        return redirect(next_path)
    form = EmailForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _send_on(request, form.cleaned_data["email"], next_path)
    context = {"form": form, "next_path": next_path, **_offered(next_path)}
    allow_form_to_provider(request, *context["providers"])
    status = 422 if request.method == "POST" else 200
    return render(request, "user_portal/sign_in.html", context, status=status)


def _send_on(request: HttpRequest, email: str, next_path: str) -> HttpResponse:
    """Send somebody to her provider, or to the password step. If the provider is down, say so first."""
    settle_guards()
    route = route_for_email(email)
    if route is None:
        request.session["sign_in_email"] = email
        return redirect(_with_next("user_portal:password", next_path))
    if route.down_since is not None and "anyway" not in request.POST:
        return _down_page(request, route, email, next_path)
    return start_sign_in(request, route.provider, login_hint=email, next_path=next_path)


def _down_page(request: HttpRequest, route: Route, email: str, next_path: str) -> HttpResponse:
    """Say since when the provider is down, with what can be done. The page is the same for a stranger."""
    if route.passwords_open:
        request.session["sign_in_email"] = email
    allow_form_to_provider(request, route.provider)
    context = {"route": route, "email": email, "next_path": next_path, "query": _next_query(next_path)}
    return render(request, "user_portal/provider_down.html", context)


def _offered(next_path: str) -> dict[str, Any]:
    """Return the providers that both steps offer to everybody, and which of them are down."""
    offered = offers()
    return {
        "providers": [offer.provider for offer in offered],
        "outages": [offer for offer in offered if offer.down_since],
        "query": _next_query(next_path),
    }


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Take the password of a person outside federation. Everybody else is pointed to the provider."""
    next_path = _next(request)
    form = PasswordForm(request.POST or None, initial={"email": request.session.get("sign_in_email", "")})
    error: DirectoryError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            return sign_in_with_password(request, **form.cleaned_data, realm=Realm.USER, next_path=next_path)
        except (SignInLocked, AccessRefused) as final:
            return error_page(request, final)
        except DirectoryError as refused:
            error = refused
    context = {"form": form, "error": error, "next_path": next_path, **_offered(next_path)}
    # Where passwords are open now, nobody is told that only administrators have one.
    are_open = any(offer.passwords_open for offer in context["outages"])
    context["for_everyone"] = is_for_everyone() and not are_open
    # The same answer to a right and a wrong password of a person under federation: it would tell which one was right.
    status = SignInFailed.http_status if error else 422 if request.method == "POST" else 200
    return render(request, "user_portal/password.html", context, status=status)


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session here first, then at the provider if it has a place for that."""
    provider = session_provider(request)
    login_hint = request.session.get("federation", {}).get("login_hint", "")
    if request.user.is_authenticated:
        record("portal.sign_out", actor=actor_of(request))
    logout(request)
    state = secrets.token_urlsafe(24)
    upstream = logout_url(provider, login_hint=login_hint, state=state) if provider else None
    if provider is None or upstream is None:
        return redirect("user_portal:signed_out")
    return remember_sign_out(redirect(upstream), state, provider.name)


@login_not_required
@never_cache
@require_safe
def signed_out(request: HttpRequest) -> HttpResponse:
    """Say that the session is over. Also where a provider sends people back to, with or without a `state`.

    The page is the same whatever comes, and signs nobody out. The `state` that was sent along says that the provider
    is done, too; without it Gatehouse does not claim that.
    """
    response = render(request, "user_portal/signed_out.html", {"provider_name": provider_that_is_done(request)})
    return forget_sign_out(response)


def _next(request: HttpRequest) -> str:
    candidate = request.POST.get("next") or request.GET.get("next")
    return safe_next(request, candidate, reverse("user_portal:home"))


def _next_query(next_path: str) -> str:
    return "" if next_path == reverse("user_portal:home") else f"?{urlencode({'next': next_path})}"


def _with_next(name: str, next_path: str) -> str:
    return reverse(name) + _next_query(next_path)
