"""Rehearsing a sign-in: out to the provider in a new tab, back to its redirect URI, and the page that says what came.

The provider sends its answer to the address of real sign-ins, because that address is what is rehearsed. The answer
belongs to the administrator's session all the same: the User Portal's is neither read nor written.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.base import UpdateError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from idp import queries, rehearsals
from idp.authorization import is_spent, spend_state
from idp.claim_words import OVERAGE_CURE, OVERAGE_TITLE, field_lines, group_lines, overage_words
from idp.errors import RehearsalSessionMissing
from idp.federation_errors import (
    ProviderUnavailable,
    ResponsePosted,
    StateOfOtherProvider,
    StateUnknown,
    StateUsed,
)
from idp.models import IdentityProvider, Kind
from idp.rehearsal_report import with_the_person_first
from portal.actors import client_ip
from portal.admin_portal.access import permission_required
from portal.answers import read_answer
from portal.errors import error_page
from portal.user_portal.access import allow_form_to_provider
from users.audit import Actor, record_refusal
from users.errors import DirectoryError
from users.models import Realm, User
from users.permissions import Permission
from users.sessions import REALM, SessionStore

# One browser's rehearsals under way. Beyond that the oldest is forgotten: its answer is refused.
AT_ONCE = 5
# So many memberships a diff names, those that change first.
GROUPS_SHOWN = 25
manage_permission = permission_required(Permission.MANAGE_IDENTITY_PROVIDERS)


@require_POST
@manage_permission
def begin(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Send the administrator to the provider."""
    provider = queries.find_provider(str(pk))
    begun = rehearsals.begin_rehearsal(actor=_actor(request, request.user), provider=provider)
    under_way = sorted(request.session.get("rehearsals", {}).items(), key=lambda item: item[1]["at"])
    request.session["rehearsals"] = {**dict(under_way[1 - AT_ONCE :]), begun.state: begun.entry}
    return _see_other(begun.location)


@require_safe
@manage_permission
def show(request: HttpRequest, pk: UUID, rehearsal: UUID) -> HttpResponse:
    """Show what a rehearsal brought: its steps, the claims, whom they match, and what that person would see."""
    provider = queries.find_provider(str(pk))
    found = rehearsals.find_rehearsal(provider, str(rehearsal))
    allow_form_to_provider(request, provider)
    context = {
        "provider": provider,
        "kind": Kind(provider.kind),
        "rehearsal": found,
        "claims": with_the_person_first(found.claims),
        "changes": claim_changes(found.changes),
        "is_current": found.provider_version == provider.version,
    }
    return render(request, "admin_portal/identity_providers/rehearsal.html", context)


def claim_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a page shows of a stored plan: its lines in words, and a claim that was left out."""
    left_out = changes.get("left_out", [])
    groups = sorted(group_lines(changes.get("groups", [])), key=lambda line: not line.changes)
    return {
        "fields": field_lines(changes.get("fields", [])),
        "groups": groups[:GROUPS_SHOWN],
        "more_groups": max(0, len(groups) - GROUPS_SHOWN),
        "new_person": changes.get("new_person"),
        "overage": overage_words(left_out) if left_out else "",
        "overage_title": OVERAGE_TITLE,
        "overage_cure": OVERAGE_CURE,
    }


def is_rehearsal(request: HttpRequest) -> bool:
    """Return whether an answer that came to the redirect URI belongs to a rehearsal."""
    states = [*request.GET.getlist("state"), *request.POST.getlist("state")]
    return any(state.startswith(rehearsals.PREFIX) for state in states)


def finish(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the provider's answer to a rehearsal. Signs nobody in, whatever it says."""
    provider = IdentityProvider.objects.filter(slug=slug).first()
    session, administrator = _administrators_session(request)
    actor = _actor(request, administrator)
    try:
        read_answer(request)
        if administrator is None:
            # A posted form comes without cookies of ours: then that is what is wrong, and not the session.
            raise ResponsePosted() if request.method == "POST" else RehearsalSessionMissing()
        if provider is None:
            raise ProviderUnavailable(slug=slug[:40])
        entry = _take_entry(session, request.GET["state"], provider)
        done = rehearsals.finish_rehearsal(actor=actor, provider=provider, entry=entry, answer=request.GET.dict())
    except DirectoryError as error:
        return _refused(request, error, actor, provider)
    return _see_other(reverse("admin_portal:rehearsal", kwargs={"pk": provider.pk, "rehearsal": done.pk}))


def _administrators_session(request: HttpRequest) -> tuple[SessionStore, User | None]:
    """Return the Admin Portal's session in this browser, and whose it is: nobody's where it has ended."""
    names: dict[str, str] = settings.ADMIN_COOKIE_NAMES
    session = SessionStore(request.COOKIES.get(names[settings.SESSION_COOKIE_NAME]))
    if session.get(REALM) != Realm.ADMIN:
        return session, None
    looking = HttpRequest()
    looking.session = session
    person = get_user(looking)
    return session, person if isinstance(person, User) else None


def _take_entry(session: SessionStore, state: str, provider: IdentityProvider) -> dict[str, Any]:
    """Return what was noted when this rehearsal began, and use up its state.

    Whose it is comes before whether it was used, as in a sign-in, so that nobody can use up another's.
    """
    under_way: dict[str, dict[str, Any]] = session.get("rehearsals", {})
    entry = under_way.get(state)
    if entry is None:
        raise StateUsed() if is_spent(state) else StateUnknown()
    if entry["provider"] != str(provider.pk):
        raise StateOfOtherProvider()
    spend_state(state)
    session["rehearsals"] = {other: noted for other, noted in under_way.items() if other != state}
    try:
        session.save()
    except UpdateError as error:
        raise RehearsalSessionMissing() from error  # ended in the same moment
    return entry


def _actor(request: HttpRequest, person: object) -> Actor:
    """Return the actor of a rehearsal: on its way back, `request.user` is the User Portal's and means nothing."""
    administrator = person if isinstance(person, User) else None
    label = administrator.label if administrator else "visitor"
    return Actor(administrator, label, client_ip(request), getattr(request, "request_id", ""))


def _refused(
    request: HttpRequest, error: DirectoryError, actor: Actor, provider: IdentityProvider | None
) -> HttpResponse:
    record_refusal("idp.provider.rehearsed", actor=actor, error=error, target=provider)
    where = reverse("admin_portal:identity_providers")
    if provider is not None and actor.person is not None:
        where = reverse("admin_portal:identity_provider", kwargs={"pk": provider.pk})
    response = error_page(request, error, actions=[("Back to the Admin Portal", where)])
    response["Referrer-Policy"] = "no-referrer"
    return response


def _see_other(location: str) -> HttpResponse:
    response = HttpResponseRedirect(location)
    response.status_code = 303
    response["Referrer-Policy"] = "no-referrer"
    return response
