"""Refusals as pages: one shape for all of them, with code, cure and reference number."""

import sys
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.template import loader

from portal.actors import actor_of
from portal.database_away import is_database_away
from users import branding, log_context
from users.audit import record_refusal
from users.errors import DirectoryError


class PageNotFound(DirectoryError):
    """There is no such page."""

    code = "portal.page_not_found"
    message = "There is no such page."
    hint = "Check the address, or start from the first page."
    http_status = 404


class RequestMalformed(DirectoryError):
    """The request cannot be understood, or names a host that is not ours."""

    code = "portal.bad_request"
    message = "Gatehouse could not understand that request."
    hint = "Go back, load the page again, and repeat what you did."
    http_status = 400


class RequestTooLarge(DirectoryError):
    """A form holds more than any page takes."""

    code = "portal.request_too_large"
    message = "That is more than Gatehouse takes at once, so nothing was done."
    hint = "Go back, where what you entered should still be, and send it in parts. Long lists can go to manage.py."
    http_status = 413


class LengthMissing(DirectoryError):
    """The request does not say how long it is (RFC 9110, section 15.5.12)."""

    code = "portal.length_required"
    message = "Gatehouse takes only what says beforehand how long it is, so nothing was done."
    hint = "Send the form with a browser. A program has to send Content-Length, and no chunks."
    http_status = 411


class TooManyRequests(DirectoryError):
    """One address sent more than its share (RFC 6585, section 4).

    Attributes:
        again_in: in how many seconds the next request is looked at.
    """

    code = "portal.too_many_requests"
    message = "Too much came from your network address within a short time, so this was not looked at."
    hint = "Wait {wait}, go back, and try again. Nothing is wrong with your account."
    http_status = 429
    admin_detail = "One address sent more forms of one kind within a short time than its limit allows."
    admin_hint = (
        "If a whole office comes from this address, raise RATE_LIMIT_FACTOR. If it is your own proxy's address, name "
        "the proxy in TRUSTED_PROXIES."
    )

    def __init__(self, *, again_in: int = 60, **context: Any) -> None:
        self.again_in = again_in
        minutes = -(-again_in // 60)
        super().__init__(wait="a minute" if minutes == 1 else f"{minutes} minutes", **context)


class MethodNotAllowed(DirectoryError):
    """The address takes forms only, or pages only."""

    code = "portal.method_not_allowed"
    message = "This address does not answer that kind of request."
    hint = "Use the buttons and links of the portal; this address is not one to type or reload."
    http_status = 405


class FormExpired(DirectoryError):
    """The CSRF token is missing or not this session's: a stale tab, cookies turned off, or a forged form."""

    code = "portal.form_expired"
    message = "This page was open for too long, or was opened before you last signed in, so nothing was done."
    hint = "Go back, load the page again, and repeat what you did. Cookies must be allowed for this site."
    http_status = 403


class Forbidden(DirectoryError):
    """The act is not for this visitor."""

    code = "portal.forbidden"
    message = "This is not open to you."
    hint = "If you think that it should be, ask an administrator."
    http_status = 403


class DatabaseUnavailable(DirectoryError):
    """The database does not answer, wherever in a request that shows. It leaves no audit row: there is nowhere to."""

    code = "portal.database_unavailable"
    message = "Gatehouse cannot reach its database at the moment."
    hint = "Nothing you typed is to blame. Try again in a moment. If it stays like this, tell your administrator."
    http_status = 503
    exit_status = 5


# After so many seconds another try is worth it: a restart of PostgreSQL takes about as long.
RETRY_AFTER = 5


def error_page(
    request: HttpRequest, error: DirectoryError, *, actions: list[tuple[str, str]] | None = None, note: str = ""
) -> HttpResponse:
    """Return the page of a refusal, and see to it that the refusal has an audit row.

    Args:
        actions: links for what to do next, as (label, url); by default the way back to the portal's first page.
        note: what else is known of the trouble.
    """
    if not error.reference:
        record_refusal(
            "portal.request.refused", actor=actor_of(request), error=error, details={"path": route_of(request)}
        )
    return plain_error_page(request, error, actions=actions, note=note)


def route_of(request: HttpRequest) -> str:
    """Return the pattern of the address and not the address itself: that of the set-up link is a secret."""
    match = request.resolver_match
    return f"/{match.route}" if match else "(no page)"


def plain_error_page(
    request: HttpRequest, error: DirectoryError, *, actions: list[tuple[str, str]] | None = None, note: str = ""
) -> HttpResponse:
    """Return the page of a refusal that needs no audit row, such as an unknown address."""
    log_context.note(code=error.code)
    context = {
        "error": error,
        "reference": error.reference or getattr(request, "request_id", ""),
        "actions": actions if actions is not None else [_way_back(request)],
        "note": note,
    }
    response = render(request, "errors/error.html", context, status=error.http_status)
    response["Cache-Control"] = "no-store"
    return response


def _way_back(request: HttpRequest) -> tuple[str, str]:
    if request.path_info.startswith("/admin/"):
        return ("Back to the Admin Portal", resolve_url("admin_portal:home"))
    return ("Back to the first page", resolve_url("user_portal:home"))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without a valid CSRF token."""
    return error_page(request, FormExpired(reason=reason))


def locked_out(request: HttpRequest, response: HttpResponse, credentials: dict[str, Any] | None = None) -> HttpResponse:
    """Return what the view has answered already: django-axes would replace it by a bare text."""
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request that Django refused before any view saw it. A form that is too large leaves an audit row."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        return error_page(request, RequestTooLarge())
    return plain_error_page(request, RequestMalformed())


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer Django's own PermissionDenied."""
    return error_page(request, Forbidden())


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer an unknown address."""
    return plain_error_page(request, PageNotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a defect of our own, with nothing that could fail again: no database, no session, no context.

    Django calls this within its `except`, whichever middleware or view failed: a database that is away can show in
    any of them, and is no defect.
    """
    error = DatabaseUnavailable() if is_database_away(sys.exc_info()[1]) else None
    if error is not None:
        log_context.note(code=error.code)
    # What this process knew last of the company: it may be the database that does not answer.
    context = {"reference": getattr(request, "request_id", ""), "branding": branding.known(), "error": error}
    response = HttpResponse(loader.render_to_string("errors/500.html", context), status=500)
    if error is not None:
        response.status_code = error.http_status
        response["Retry-After"] = str(RETRY_AFTER)
        response["Cache-Control"] = "no-store"
    return response
