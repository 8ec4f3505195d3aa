"""What every page of the User Portal needs: a session of this portal, and forms that may lead to the provider."""

from collections.abc import Callable
from functools import wraps
from typing import cast
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache

from idp.models import IdentityProvider
from idp.recheck import recheck_session
from idp.routing import route_of
from portal import standing_in
from portal.actors import actor_of
from portal.user_portal.policies import refused_by_policies
from users.audit import record
from users.models import Realm, User
from users.sessions import REALM

View = Callable[..., HttpResponse]


def _session_required(view: View, *, before_enrolment: bool) -> View:
    @never_cache
    @wraps(view)
    def wrapper(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.session.get(REALM) != Realm.USER:
            return redirect("user_portal:sign_in")
        route = route_of(cast(User, request.user))
        stands_in = standing_in.still_counts(request.session, route)
        provider = route.provider if route and not stands_in else None
        opened_by = request.session.get("federation", {})
        expected = (str(provider.pk), provider.trust) if provider else (None, None)
        was_stand_in = standing_in.STOOD_IN in request.session and not stands_in
        if was_stand_in or (opened_by.get("provider_id"), opened_by.get("trust")) != expected:
            _end(request, provider)
            return redirect("user_portal:sign_in")
        if provider is not None and provider.recheck_minutes and _was_ended_upstream(request, provider):
            return redirect("user_portal:sign_in")
        refusal = refused_by_policies(request, provider, may_enrol=not stands_in, before_enrolment=before_enrolment)
        if refusal is not None:
            return refusal
        if provider is not None:
            allow_form_to_provider(request, provider)
        return view(request, *args, **kwargs)

    return wrapper


def person_required(view: View) -> View:
    """Require a session that was opened in the User Portal, in the way in which this person signs in now.

    Federation beginning or ending closes the sessions that it concerns. One that was being opened in the same moment
    would slip through, and a person who joins a group may sign in another way from then on: so every page compares.
    A password that was taken in the place of a provider counts until that works again.
    It asks the access policies, too: they may have changed, and so may where she is and what time it is.
    """
    return _session_required(view, before_enrolment=False)


def enrolling_person_required(view: View) -> View:
    """Require the same, but open the page also to who must set up a second factor first: it is for that."""
    return _session_required(view, before_enrolment=True)


def _end(request: HttpRequest, provider: IdentityProvider | None) -> None:
    """End a session that was opened in another way than its person signs in now."""
    record("portal.session.ended", actor=actor_of(request), details={"reason": "the way to sign in changed"})
    why = standing_in.why_over(request.session, provider)
    logout(request)
    if why:
        messages.warning(request, why)


def _was_ended_upstream(request: HttpRequest, provider: IdentityProvider) -> bool:
    """Ask the provider about this session if it is time; signed out there is signed out here, with a word why."""
    refusal = recheck_session(actor=actor_of(request), provider=provider, session_key=request.session.session_key or "")
    if refusal is None:
        return False
    logout(request)
    messages.warning(request, f"You were signed out. {refusal.message} (Reference {refusal.reference})")
    return True


def allow_form_to_provider(request: HttpRequest, *providers: IdentityProvider) -> None:
    """Let the forms of this page end at one of the providers: sign-in and sign-out redirect there."""
    endpoints = [
        endpoint
        for metadata in (provider.discovered for provider in providers)
        for endpoint in (metadata.authorization_endpoint, metadata.end_session_endpoint)
    ]
    origins = {f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, endpoints) if parts.netloc}
    request.form_action_origins = origins  # type: ignore[attr-defined]
