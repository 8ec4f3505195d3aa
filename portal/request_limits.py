"""Refuses what is too much, before its body is read: too many requests from one address, or too large a one.

Stands before the check of the CSRF token, which reads the form. What another site lets a browser post is refused here
already and not counted, or any page on the web could use up what is left to the office of whoever looks at it. Pages
that are shown are not counted, but for those that write: the others cost little, and browsers fetch several at once.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from portal import limits
from portal.actors import client_ip
from portal.errors import (
    FormExpired,
    LengthMissing,
    RequestMalformed,
    RequestTooLarge,
    TooManyRequests,
    error_page,
    route_of,
)
from portal.middleware import GetResponse, way_to_sign_in
from users.audit import Actor, record_refusal
from users.errors import DirectoryError
from users.lockout import network_of
from users.rate_counts import FirstFew, count_hit

_SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
_first_few = FirstFew()
Refusal = Callable[[HttpRequest, Actor, DirectoryError], HttpResponseBase]


def refuses_by(refusal: Refusal) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a view that machines ask be refused in its own form, and not as a page.

    Args:
        refusal: writes the audit row and returns the answer.
    """

    def mark(view: Callable[..., Any]) -> Callable[..., Any]:
        view.refusal = refusal  # type: ignore[attr-defined]
        return view

    return mark


class RequestLimitsMiddleware:
    """Holds every request that writes something to the limits in `portal.limits`."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Return a refusal, or None where the request may go on."""
        name = request.resolver_match.view_name if request.resolver_match else ""
        if request.method in _SAFE:
            return _look_at_shown(request, view, name)
        signed_in = not limits.is_public(view) and request.user.is_authenticated
        try:
            _refuse_other_sites(request, view)
            if not signed_in:
                _count(request, *limits.rate_of(view, name))
            is_too_large = _length(request) > limits.body_limit(name, signed_in=signed_in)
            if is_too_large and not signed_in and not limits.is_public(view):
                # A session that ended while somebody typed: what is wrong is not the size.
                return way_to_sign_in(request)
            if is_too_large:
                raise RequestTooLarge()
        except DirectoryError as error:
            return _refuse(request, view, error)
        return None


def _look_at_shown(request: HttpRequest, view: Callable[..., Any], name: str) -> HttpResponseBase | None:
    """Count a page that writes although it is only shown; returns the refusal where there are too many."""
    if name in limits.SHOWN_AND_COUNTED:
        try:
            _count_shown(request, f"{name} shown")
        except TooManyRequests as error:
            return _refuse(request, view, error)
    return None


def _count_shown(request: HttpRequest, name: str) -> None:
    """Count against the address: the first few in this process alone, and the others as forms are."""
    rate = limits.SHOWN
    few = rate.allowed // limits.UNCOUNTED_SHARE
    if not _first_few.has(f"{name} {_address(request)}", seconds=rate.seconds, few=few):
        _count(request, name, rate, most=rate.allowed - few)


def _address(request: HttpRequest) -> str:
    return network_of(client_ip(request)) or "unknown"


def _refuse_other_sites(request: HttpRequest, view: Callable[..., Any]) -> None:
    """Raise FormExpired for what Django's check of the CSRF token would refuse by its Origin, once it was counted.

    Browsers put their own word there, and "null" where they hide it (Fetch standard, section 3.2). A request without
    one is no browser's: it has its own address's allowance to use up.
    """
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None or getattr(view, "csrf_exempt", False):
        return
    if origin not in (f"{request.scheme}://{request.get_host()}", *settings.CSRF_TRUSTED_ORIGINS):
        raise FormExpired(reason="It was sent by a page of another site.", origin=origin)


def _count(request: HttpRequest, name: str, rate: limits.Rate, *, most: int | None = None) -> None:
    """Count a request against its address; raises TooManyRequests.

    Args:
        most: how many may be counted here, where that is not what the rate allows.
    """
    hits = count_hit(f"{name} {_address(request)}", seconds=rate.seconds)
    if hits.count > (rate.allowed if most is None else most):
        raise TooManyRequests(limit=name, most=rate.allowed, seconds=rate.seconds, again_in=hits.seconds_left)


def _length(request: HttpRequest) -> int:
    """Return how many bytes the request says to bring. No more than that is read of it.

    Raises:
        LengthMissing: it comes in pieces, without saying how many. Django would take it for empty.
        RequestMalformed: what it says is no number.
    """
    if "HTTP_TRANSFER_ENCODING" in request.META:
        raise LengthMissing()
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if not (length.isascii() and length.isdecimal()):
        raise RequestMalformed()
    return int(length[:20])


def _refuse(request: HttpRequest, view: Callable[..., Any], error: DirectoryError) -> HttpResponseBase:
    """Refuse without asking who it is: of a visitor's refusals the audit log keeps few rows, however many there are."""
    actor = Actor(None, "visitor", client_ip(request), getattr(request, "request_id", ""))
    refusal: Refusal = getattr(view, "refusal", _as_page)
    response = refusal(request, actor, error)
    if isinstance(error, TooManyRequests):
        response["Retry-After"] = str(error.again_in)
    return response


def _as_page(request: HttpRequest, actor: Actor, error: DirectoryError) -> HttpResponseBase:
    record_refusal("portal.request.refused", actor=actor, error=error, details={"path": route_of(request)})
    return error_page(request, error)
