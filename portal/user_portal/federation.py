"""The federated sign-in: out to the provider, and back. Subclasses of mozilla-django-oidc's two views.

The library makes state, nonce and PKCE, keeps them in the session, exchanges the code and signs in. Here the state is
bound to the provider and its version, to ten minutes and to one use; duplicated and foreign answers are refused; and
a failed answer never signs anybody out.
"""

import hashlib
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.sessions.backends.base import UpdateError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.generic import View
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from idp.backends import FederatedSignIn, ProviderSettings
from idp.federation_errors import (
    CodeMissing,
    ParameterDuplicated,
    ProviderChanged,
    ProviderUnavailable,
    ResponseIssuerMissing,
    ResponseIssuerWrong,
    StateExpired,
    StateMissing,
    StateOfOtherProvider,
    StateUnknown,
    StateUsed,
)
from idp.models import IdentityProvider, SpentState
from idp.protocol.aadsts import parse_failure
from idp.protocol.oauth_errors import AuthorizationRefused
from portal.actors import actor_of
from portal.errors import error_page
from portal.sign_in import open_session, safe_next
from users.audit import record_refusal
from users.errors import DirectoryError
from users.models import Realm
from users.sessions import prune_visitors

STATE_LIFETIME = timedelta(minutes=10)
PARAMETERS = ("code", "state", "error", "error_description", "error_uri", "iss", "session_state")


class BeginView(ProviderSettings, OIDCAuthenticationRequestView):
    """Sends a person to the provider with a fresh state, nonce and code challenge."""

    def __init__(self, **kwargs: Any) -> None:
        # The library's own reads the provider's settings here, before there is a request that names one.
        View.__init__(self, **kwargs)

    def start(
        self, request: HttpRequest, provider: IdentityProvider, *, login_hint: str, next_path: str
    ) -> HttpResponse:
        """Return the redirect to the provider's authorization endpoint (OpenID Connect Core 1.0, section 3.1.2.1)."""
        self.provider = provider
        self.login_hint = login_hint
        metadata = provider.discovered
        self.OIDC_OP_AUTH_ENDPOINT = metadata.authorization_endpoint
        self.OIDC_RP_CLIENT_ID = provider.client_id
        response: HttpResponse = super().get(request)  # type: ignore[no-untyped-call]
        response["Location"] = _with_one_query(response["Location"])
        # The last one is ours: an authorization endpoint may come with parameters of its own.
        state = parse_qs(urlsplit(response["Location"]).query)["state"][-1]
        request.session["oidc_states"][state] |= {
            "provider": str(provider.pk),
            "version": provider.version,
            "next": next_path,
            "at": timezone.now().timestamp(),
        }
        request.session.pop("oidc_login_next", None)
        request.session.modified = True
        return response

    def get_extra_params(self, request: HttpRequest) -> dict[str, str]:
        """Return the redirect URI of this provider, and whom the person says to be."""
        assert self.provider is not None  # noqa: S101  (set by start)
        params = {"redirect_uri": self.provider.redirect_uri}
        if self.login_hint:
            params["login_hint"] = self.login_hint
        return params


def _with_one_query(location: str) -> str:
    """Join the library's query to an authorization endpoint that has one already (RFC 6749, section 3.1)."""
    head, _, rest = location.partition("?")
    return f"{head}?{rest.replace('?', '&')}"


class CallbackView(ProviderSettings, OIDCAuthenticationCallbackView):
    """Takes the provider's answer."""

    def finish(self, request: HttpRequest, provider: IdentityProvider) -> HttpResponse:
        """Return the redirect to where the person was going.

        Raises:
            DirectoryError: every refusal.
        """
        self.provider = provider
        self.request = request
        self.entry = _take_state(request, provider)
        _check_response_issuer(request, provider)
        if "error" in request.GET:
            raise AuthorizationRefused(parse_failure(request.GET.dict()))
        if not request.GET.get("code"):
            raise CodeMissing()
        self.sign_in = FederatedSignIn(provider, actor_of(request))
        request.federated_sign_in = self.sign_in  # type: ignore[attr-defined]
        try:
            response: HttpResponse = super().get(request)  # type: ignore[no-untyped-call]
        except UpdateError as error:
            # The session was ended (signed out in another tab, or by an administrator) while the answer was on its way.
            raise StateUnknown() from error
        return response

    def login_success(self) -> HttpResponse:
        """Open the session under a new key, also for a person who is signed in already, and go on with a 303."""
        provider, match, claims = self.sign_in.provider, self.sign_in.match, self.sign_in.claims
        if match is None or claims is None:
            return self.login_failure()
        other_tabs = self.request.session.get("oidc_states", {})
        open_session(
            self.request,
            match.person,
            realm=Realm.USER,
            method=match.rule,
            provider_id=str(provider.pk),
            upstream_sid=claims.sid,
        )
        # Sign-ins that other tabs of this browser have under way come back to the new session.
        self.request.session["oidc_states"] = other_tabs
        self.request.session["federation"] = {
            "provider_id": str(provider.pk),
            "provider_name": provider.name,
            "trust": provider.trust,
            "login_hint": claims.login_hint,
        }
        response = HttpResponseRedirect(self.entry["next"])
        response.status_code = 303
        return response

    def login_failure(self) -> HttpResponse:
        """Refuse what the library refuses without a reason; every known reason was raised before."""
        raise StateUnknown()


def _take_state(request: HttpRequest, provider: IdentityProvider) -> dict[str, Any]:
    """Return what was noted when this sign-in began, and make sure that it is used once only.

    The order matters: whose it is comes before whether it was used, so that nobody can use up another's.
    """
    state = request.GET.get("state", "")
    if not state:
        raise StateMissing()
    state_hash = hashlib.sha256(state.encode()).hexdigest()
    states = request.session.get("oidc_states")
    entry = states.get(state) if isinstance(states, dict) else None
    if entry is None or "provider" not in entry:
        raise StateUsed() if SpentState.objects.filter(state_hash=state_hash).exists() else StateUnknown()
    if entry["provider"] != str(provider.pk):
        raise StateOfOtherProvider()
    now = timezone.now()
    if now.timestamp() - entry["at"] > STATE_LIFETIME.total_seconds():
        raise StateExpired()
    try:
        # The database decides between two that come at once; a cache could forget.
        with transaction.atomic():
            SpentState.objects.create(state_hash=state_hash, expires_at=now + STATE_LIFETIME)
    except IntegrityError as error:
        raise StateUsed() from error
    SpentState.objects.filter(expires_at__lt=now).delete()
    prune_visitors()
    if "error" in request.GET or not request.GET.get("code"):
        del request.session["oidc_states"][state]
        request.session.modified = True
    if entry["version"] != provider.version:
        raise ProviderChanged()
    return dict(entry)


def _check_response_issuer(request: HttpRequest, provider: IdentityProvider) -> None:
    """Compare the `iss` parameter with the provider's issuer (RFC 9207, section 2.4)."""
    issuer = request.GET.get("iss")
    if issuer is not None and issuer != provider.issuer:
        raise ResponseIssuerWrong()
    if issuer is None and provider.discovered.authorization_response_iss_parameter_supported:
        raise ResponseIssuerMissing()


def start_sign_in(request: HttpRequest, provider: IdentityProvider, *, login_hint: str, next_path: str) -> HttpResponse:
    """Return the redirect that sends this visitor to the provider."""
    return BeginView().start(request, provider, login_hint=login_hint, next_path=next_path)


def _active_by_slug(slug: str) -> IdentityProvider:
    provider = IdentityProvider.objects.filter(slug=slug).first()
    if provider is None or not provider.is_active:
        raise ProviderUnavailable(slug=slug[:40])
    return provider


@login_not_required
@never_cache
@require_safe
def begin(request: HttpRequest, slug: str) -> HttpResponse:
    """Begin a sign-in at one provider: where "Continue with …" leads."""
    try:
        provider = _active_by_slug(slug)
    except DirectoryError as error:
        return _refused(request, error, slug)
    fallback = reverse("user_portal:home")
    next_path = safe_next(request, request.GET.get("next"), fallback)
    return start_sign_in(request, provider, login_hint=request.GET.get("login_hint", "")[:254], next_path=next_path)


@login_not_required
@never_cache
@require_safe
def callback(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the provider's answer. A refusal is audited and shown, and leaves a present session as it is."""
    try:
        for name in PARAMETERS:
            if len(request.GET.getlist(name)) > 1:
                raise ParameterDuplicated(parameter=name)
        return CallbackView().finish(request, _active_by_slug(slug))
    except DirectoryError as error:
        return _refused(request, error, slug)


def _refused(request: HttpRequest, error: DirectoryError, slug: str) -> HttpResponse:
    details = {"provider": slug[:40], **getattr(error, "admin_context", {})}
    record_refusal("portal.sign_in.failed", actor=actor_of(request), error=error, details=details)
    actions = [("Back to the sign-in page", reverse("user_portal:sign_in"))]
    response = error_page(request, error, actions=actions)
    response["Referrer-Policy"] = "no-referrer"
    return response


def logout_url(provider: IdentityProvider, login_hint: str) -> str | None:
    """Return where to end the session at the provider as well, or None where it has no such address.

    OpenID Connect RP-Initiated Logout 1.0, section 2. Entra takes the `login_hint` claim as `logout_hint`.
    """
    endpoint = provider.discovered.end_session_endpoint
    if not endpoint:
        return None
    params = {"post_logout_redirect_uri": f"{settings.PUBLIC_URL}{reverse('user_portal:signed_out')}"}
    params["client_id"] = provider.client_id
    if login_hint:
        params["logout_hint"] = login_hint
    separator = "&" if "?" in endpoint else "?"
    return f"{endpoint}{separator}{urlencode(params)}"
