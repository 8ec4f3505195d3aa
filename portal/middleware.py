"""What every request passes: a reference number, a content policy, cookies by portal, errors as pages."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from csp.constants import HEADER as CSP_HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url

from portal.errors import MethodNotAllowed, error_page, plain_error_page
from users.audit import new_reference
from users.errors import DirectoryError

GetResponse = Callable[[HttpRequest], HttpResponse]
ADMIN_PREFIX = "/admin/"


class RequestIdMiddleware:
    """Gives every request the reference number that error pages show and audit rows store."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = new_reference()  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """Lets the forms of one page lead to the provider: browsers apply `form-action` to redirects as well."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Set the policy, with the origins that the view named. There are few, so each is put together once."""
        if CSP_HEADER not in response:
            response[CSP_HEADER] = _policy(frozenset(getattr(request, "form_action_origins", ())))
        return response


@lru_cache(maxsize=64)
def _policy(form_action_origins: frozenset[str]) -> str:
    update = {"form-action": sorted(form_action_origins)} if form_action_origins else None
    return build_policy(update=update)


class RealmCookiesMiddleware:
    """Gives the Admin Portal session and CSRF cookies of its own.

    One browser can hold an administrator's and a person's sign-in side by side, and neither cookie opens the other
    portal. Inside, Django sees its usual names.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(ADMIN_PREFIX):
            return self.get_response(request)
        names: dict[str, str] = settings.ADMIN_COOKIE_NAMES
        for usual, own in names.items():
            request.COOKIES.pop(usual, None)
            if own in request.COOKIES:
                request.COOKIES[usual] = request.COOKIES[own]
        response = self.get_response(request)
        for usual, own in names.items():
            morsel = response.cookies.pop(usual, None)
            if morsel is not None:
                morsel.set(own, morsel.value, morsel.coded_value)
                response.cookies[own] = morsel
        return response


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Sends visitors to the sign-in page of the portal that they asked for. Public views are marked."""

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase], view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        """Ask who is there only where that matters: Django reads the session of every request first.

        Otherwise even the logo would be an answer to this session alone, and be fetched again after every sign-in.
        """
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseRedirect:
        """Redirect to the right sign-in page, with the way back where the request can be repeated."""
        return way_to_sign_in(request)


def way_to_sign_in(request: HttpRequest) -> HttpResponseRedirect:
    """Return the redirect of somebody who is not signed in to the sign-in page of the portal at hand."""
    in_admin = request.path_info.startswith(ADMIN_PREFIX)
    target = resolve_url("admin_portal:sign_in" if in_admin else "user_portal:sign_in")
    if request.method in {"GET", "HEAD"} and request.path_info not in {"/", ADMIN_PREFIX}:
        target = f"{target}?{urlencode({'next': request.get_full_path()})}"
    return redirect(target)


class DirectoryErrorMiddleware:
    """Renders a refusal that a view did not handle, as the page of its code. Also Django's own empty 405."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            page = plain_error_page(request, MethodNotAllowed())
            page["Allow"] = response["Allow"]
            return page
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the error page of a DirectoryError; anything else is a defect and stays one."""
        return error_page(request, exception) if isinstance(exception, DirectoryError) else None
