"""Sign-outs that begin or end at a provider, and sign-ins that begin there: addresses that need no session."""

import contextlib
import hmac
from urllib.parse import parse_qsl

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from idp.logout import end_by_backchannel, end_by_frontchannel, framing_origins
from idp.logout_errors import LogoutProviderUnknown, LogoutTokenNotPosted
from idp.models import IdentityProvider
from portal.actors import client_ip
from portal.errors import TooManyRequests
from portal.request_limits import refuses_by
from users.audit import Actor, record_refusal
from users.errors import DirectoryError
from users.log_context import note

# The session is gone when the provider sends the browser back, so that the state needs a place of its own.
STATE_COOKIE = "gatehouse_sign_out"
STATE_LIFETIME = 10 * 60
_SALT = "portal.sign_out"
BODY_LIMIT = 32 * 1024


def remember_sign_out(response: HttpResponse, state: str, provider_name: str) -> HttpResponse:
    """Let this browser know its way back from the provider's sign-out page."""
    response.set_cookie(
        _cookie_name(),
        signing.dumps({"state": state, "provider": provider_name}, salt=_SALT),
        max_age=STATE_LIFETIME,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def provider_that_is_done(request: HttpRequest) -> str:
    """Return the name of the provider that sent this browser back with its `state`, or "" for any other visit."""
    given = request.GET.getlist("state")
    with contextlib.suppress(signing.BadSignature):
        held = signing.loads(request.COOKIES.get(_cookie_name(), ""), salt=_SALT, max_age=STATE_LIFETIME)
        if len(given) == 1 and hmac.compare_digest(given[0].encode(), held["state"].encode()):
            return str(held["provider"])
    return ""


def forget_sign_out(response: HttpResponse) -> HttpResponse:
    """Use up what this browser knew: the way back is taken once."""
    response.delete_cookie(_cookie_name(), samesite="Lax")
    return response


def _cookie_name() -> str:
    return f"__Host-{STATE_COOKIE}" if settings.SESSION_COOKIE_SECURE else STATE_COOKIE


def _provider_as_actor(request: HttpRequest, provider: IdentityProvider | None) -> Actor:
    """Return who acts: the provider, or whoever says so. The session of the browser at hand plays no part."""
    return Actor(
        person=None,
        label=provider.name if provider else "visitor",
        client_ip=client_ip(request),
        request_id=getattr(request, "request_id", ""),
    )


def _provider_called(slug: str) -> IdentityProvider | None:
    provider = IdentityProvider.objects.filter(slug=slug).first()
    note(provider=provider.slug if provider else "unknown")
    return provider


@login_not_required
@csrf_exempt
@xframe_options_exempt
def frontchannel_logout(request: HttpRequest, slug: str) -> HttpResponse:
    """End the sessions that a provider names by `sid`. Always the same empty page, whatever comes.

    OpenID Connect Front-Channel Logout 1.0, section 2. A frame of another site gets no cookie of ours, and this
    answer tells nobody whether a session was there.
    """
    provider = _provider_called(slug)
    if provider is not None and request.method == "GET":
        sids, issuers = request.GET.getlist("sid"), request.GET.getlist("iss")
        with contextlib.suppress(DirectoryError):  # it is in the audit log
            actor = _provider_as_actor(request, provider)
            end_by_frontchannel(actor=actor, provider=provider, sids=sids, issuers=issuers)
    # The provider's page may embed only what allows it (Fetch standard, Cross-Origin-Resource-Policy).
    response = HttpResponse(headers={"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "cross-origin"})
    ancestors = " ".join(framing_origins(provider) if provider else []) or "'none'"
    response["Content-Security-Policy"] = f"default-src 'none'; frame-ancestors {ancestors}"
    return response


def refuse_backchannel(
    request: HttpRequest, actor: Actor, error: DirectoryError, provider: IdentityProvider | None = None
) -> JsonResponse:
    """Return a refusal as a provider's server reads it (section 2.8), and see to it that it has an audit row.

    What is no fault of the request, but of their number, may come once more.
    """
    if not error.reference:
        record_refusal("idp.logout.backchannel", actor=actor, error=error, target=provider)
    busy = isinstance(error, TooManyRequests)
    answer = {
        "error": "temporarily_unavailable" if busy else "invalid_request",
        "error_description": f"{error.message} [{error.code}]",
    }
    return JsonResponse(answer, status=429 if busy else 400, headers={"Cache-Control": "no-store"})


@login_not_required
@csrf_exempt
@never_cache
@refuses_by(refuse_backchannel)
@require_POST
def backchannel_logout(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a logout token from a provider's server (OpenID Connect Back-Channel Logout 1.0, sections 2.5 to 2.8)."""
    provider = _provider_called(slug)
    actor = _provider_as_actor(request, provider)
    try:
        token = _posted_token(request, actor, provider)
        if provider is None:
            raise LogoutProviderUnknown()
        end_by_backchannel(actor=actor, provider=provider, logout_token=token)
    except DirectoryError as error:
        return refuse_backchannel(request, actor, error, provider)
    return HttpResponse()


def _posted_token(request: HttpRequest, actor: Actor, provider: IdentityProvider | None) -> str:
    """Return the one `logout_token` of a small form; raises LogoutTokenNotPosted."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if request.content_type != "application/x-www-form-urlencoded" or not 0 < length <= BODY_LIMIT:
            raise ValueError("not a small form")
        fields = parse_qsl(request.body.decode("ascii"), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise LogoutTokenNotPosted() from error
    tokens = [value for name, value in fields if name == "logout_token"]
    if len(tokens) != 1 or not tokens[0]:
        raise LogoutTokenNotPosted()
    return tokens[0]
