"""The federated sign-in: out to the provider, and back. Subclasses of mozilla-django-oidc's two views.

The library makes state, nonce and PKCE, keeps them in the session, exchanges the code and signs in. Here the state is
bound to the provider and its version, to ten minutes and to one use; duplicated and foreign answers are refused; and
a failed answer never signs anybody out.
"""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe
from mozilla_django_oidc.utils import add_state_and_verifier_and_nonce_to_session
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView

from idp.authorization import STATE_LIFETIME, code_of, is_spent, new_request, spend_state
from idp.backends import FederatedBackend, FederatedSignIn, ProviderSettings
from idp.claim_sign_in import apply_claims_first
from idp.expiry import note_refused_credential
from idp.federation_errors import (
    ProviderChanged,
    ProviderUnavailable,
    ResponsePosted,
    StateExpired,
    StateMissing,
    StateOfOtherProvider,
    StateUnknown,
    StateUsed,
)
from idp.guard_returns import note_failed_sign_in, settle_guards
from idp.held_answers import Answer
from idp.models import IdentityProvider, Kind
from idp.outages import in_words
from idp.protocol.errors import HttpError, JwksUnavailable
from idp.protocol.oauth_errors import TokenEndpointUnavailable
from idp.queries import down_since_now
from idp.routing import active_provider_by_slug
from portal.actors import actor_of
from portal.admin_portal import rehearsals
from portal.admission import Admission, admit
from portal.answers import read_answer
from portal.browsers import browser_of
from portal.errors import error_page
from portal.federated_session import open_federated_session
from portal.half_open import begin_second_step
from portal.sign_in import safe_next
from users.audit import record_refusal
from users.errors import DirectoryError
from users.factors import has_second_factor
from users.log_context import note
from users.models import Realm
from users.own_sign_ins import account_holder
from users.sessions import reload_for_update

# The provider, or the way to it, is in trouble; nobody is refused by these.
_TROUBLE = (HttpError, JwksUnavailable, TokenEndpointUnavailable)


def start_sign_in(
    request: HttpRequest, provider: IdentityProvider, *, login_hint: str, next_path: str, confirms: bool = False
) -> HttpResponse:
    """Send a visitor to the provider's authorization endpoint, and note in the session what the answer must fit.

    Args:
        confirms: let the provider make sure who sits there, whatever it remembers (OpenID Connect Core 1.0, section
            3.1.2.1: `prompt`). Google does not know `login`, and lets choose the account.
    """
    note(provider=provider.slug)
    prompt = ("select_account" if provider.kind == Kind.GOOGLE else "login") if confirms else ""
    asked = new_request(provider, login_hint=login_hint, prompt=prompt)
    # The library's bookkeeping: several tabs at once, and the oldest forgotten when there are many.
    add_state_and_verifier_and_nonce_to_session(  # type: ignore[no-untyped-call]
        request, asked.state, {"nonce": asked.nonce, "code_challenge": "S256"}, asked.code_verifier
    )
    request.session["oidc_states"][asked.state] |= {
        "provider": str(provider.pk),
        "version": provider.version,
        "next": next_path,
        "at": timezone.now().timestamp(),
        **({"confirms": True} if confirms else {}),
    }
    request.session.modified = True
    return HttpResponseRedirect(asked.location)


class CallbackView(ProviderSettings, OIDCAuthenticationCallbackView):
    """Takes the provider's answer.

    The library's own `get()` saves the session before it asks the provider and loads it again afterwards. Here the
    single use of the state is a row of its own, and the session is written once, in the transaction that signs in.
    """

    def finish(self, request: HttpRequest, provider: IdentityProvider) -> HttpResponse:
        """Return the redirect to where the person was going.

        Two short transactions: the state is spent before the provider is asked, the rest is written afterwards.

        Raises:
            DirectoryError: every refusal.
        """
        self.provider = provider
        self.request = request
        self.entry = _take_state(request, provider)
        code_of(provider, request.GET.dict())
        self.sign_in = FederatedSignIn(provider, actor_of(request))
        request.federated_sign_in = self.sign_in  # type: ignore[attr-defined]
        # This backend and no other: Django's authenticate() would ask those for passwords first.
        nonce, code_verifier = self.entry["nonce"], self.entry["code_verifier"]
        self.user = FederatedBackend().authenticate(request, nonce=nonce, code_verifier=code_verifier)
        return self.login_success()

    def login_success(self) -> HttpResponse:
        """Keep the link and open the session under a new key, also for a person who is signed in already: a 303.

        Where an access policy asks for a second factor at Gatehouse, its step comes first. Who has none yet sets one
        up behind this: the pages of the User Portal open nothing else to her.
        """
        provider, match, claims = self.sign_in.provider, self.sign_in.match, self.sign_in.claims
        if match is None or claims is None:
            return self.login_failure()
        answer = Answer(provider, claims, self.sign_in.refresh_token, self.entry["nonce"])
        facts = apply_claims_first(actor=self.sign_in.actor, provider=provider, claims=claims, person=match.person)
        admission = admit(
            self.request,
            match.person,
            provider_id=provider.pk,
            token_second_factor=answer.second_factor,
            current=match.link.access if match.link else None,
        )
        if admission.needs_second_factor and has_second_factor(admission.person):
            return self._second_step(answer, admission)
        with transaction.atomic():
            open_federated_session(
                self.request,
                answer,
                match,
                admission,
                other_tabs=self._other_tabs(),
                facts=facts,
                is_confirmed=bool(self.entry.get("confirms")),
            )
        response = HttpResponseRedirect(self.entry["next"])
        response.status_code = 303
        return response

    def _second_step(self, answer: Answer, admission: Admission) -> HttpResponse:
        with transaction.atomic():
            return begin_second_step(
                self.request,
                admission.person,
                realm=Realm.USER,
                next_path=self.entry["next"],
                answer=answer,
                keep={"oidc_states": self._other_tabs()},
            )

    def _other_tabs(self) -> dict[str, Any]:
        """Return the sign-ins that other tabs of this browser have under way, also those begun in the meantime."""
        held = reload_for_update(self.request.session)
        if held is None:
            # The session was ended (signed out in another tab, or by an administrator) while the provider was asked.
            raise StateUnknown()
        states: dict[str, Any] = held.get("oidc_states", {})
        states.pop(self.request.GET["state"], None)
        return states

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
    states = request.session.get("oidc_states")
    entry = states.get(state) if isinstance(states, dict) else None
    if entry is None or "provider" not in entry:
        raise StateUsed() if is_spent(state) else StateUnknown()
    if entry["provider"] != str(provider.pk):
        raise StateOfOtherProvider()
    if timezone.now().timestamp() - entry["at"] > STATE_LIFETIME.total_seconds():
        raise StateExpired()
    spend_state(state)
    if entry["version"] != provider.version:
        raise ProviderChanged()
    return dict(entry)


def _active_by_slug(slug: str) -> IdentityProvider:
    # What stands in the address may be any word: it becomes a name in logs and metrics once a provider has it.
    note(provider="unknown")
    provider = active_provider_by_slug(slug)
    if provider is None:
        raise ProviderUnavailable(slug=slug[:40])
    note(provider=provider.slug)
    return provider


@login_not_required
@never_cache
@require_safe
def begin(request: HttpRequest, slug: str) -> HttpResponse:
    """Begin a sign-in at one provider: where "Continue with …" leads."""
    settle_guards()
    try:
        provider = _active_by_slug(slug)
    except DirectoryError as error:
        return _refused(request, error, slug)
    fallback = reverse("user_portal:home")
    next_path = safe_next(request, request.GET.get("next"), fallback)
    return start_sign_in(
        request,
        provider,
        login_hint=request.GET.get("login_hint", "")[:254],
        next_path=next_path,
        confirms="confirm" in request.GET,
    )


@login_not_required
@never_cache
@csrf_exempt  # the form comes from the provider's page; what binds it to this browser is the state
@require_http_methods(["GET", "HEAD", "POST"])
def callback(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the provider's answer. A refusal is audited and shown, and leaves a present session as it is."""
    if rehearsals.is_rehearsal(request):
        return rehearsals.finish(request, slug)
    try:
        read_answer(request)
        return CallbackView().finish(request, _active_by_slug(slug))
    except StateUnknown as error:
        return _refused(request, ResponsePosted() if request.method == "POST" else error, slug)
    except DirectoryError as error:
        return _refused(request, error, slug)


def _refused(request: HttpRequest, error: DirectoryError, slug: str) -> HttpResponse:
    details = {"provider": slug[:40], "browser": browser_of(request), **getattr(error, "admin_context", {})}
    about = account_holder(str(error.context.get("person", "")))
    record_refusal("portal.sign_in.failed", actor=actor_of(request), target=about, error=error, details=details)
    provider = getattr(getattr(request, "federated_sign_in", None), "provider", None)
    note_refused_credential(provider, error)
    note_failed_sign_in(provider, error, attempt=request.GET.get("state", ""))
    actions = [("Back to the sign-in page", reverse("user_portal:sign_in"))]
    response = error_page(request, error, actions=actions, note=_known_trouble(provider, error))
    response["Referrer-Policy"] = "no-referrer"
    return response


def _known_trouble(provider: IdentityProvider | None, error: DirectoryError) -> str:
    """Return since when the provider is down, in words, where that explains the error and is known."""
    since = down_since_now(provider) if provider is not None and isinstance(error, _TROUBLE) else None
    if provider is None or since is None:
        return ""
    return f"{provider.name} has been down since {in_words(since)}, as far as Gatehouse can see."
