"""The page of one identity provider: what is stored of it, how it does, and to whom it applies."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from idp import rehearsals
from idp.activation_scope import EVERYBODY, Scope
from idp.errors import RehearsalMissing
from idp.guard_queries import last_return, watched
from idp.impact import Act, ProviderImpact
from idp.link_queries import summary_of
from idp.models import FederatedIdentity, IdentityProvider, Kind, Rehearsal
from idp.pilot import pilot_of
from idp.recheck import coverage_of
from idp.rehearsal_report import in_a_few_words
from idp.routing_queries import audience_of, policies_of, takes_everybody
from portal.actors import actor_of
from portal.admin_portal import claims
from portal.admin_portal.attention import health_context
from portal.admin_portal.guard_forms import guard_choices
from portal.admin_portal.scopes import query_of
from portal.user_portal.access import allow_form_to_provider
from users.errors import DirectoryError
from users.models import Group


def provider_page(
    request: HttpRequest,
    provider: IdentityProvider,
    *,
    impact: ProviderImpact | None = None,
    error: DirectoryError | None = None,
    is_stale: bool = False,
    scope: Scope = EVERYBODY,
) -> HttpResponse:
    """Return the page of a provider, with the dialog of an act where its impact is given.

    Args:
        error: why the act was refused.
        is_stale: whether it was, because the numbers had changed.
        scope: to whom the activation applies.
    """
    policies = policies_of(provider)
    context: dict[str, Any] = {
        "provider": provider,
        "kind": Kind(provider.kind),
        "links": FederatedIdentity.objects.filter(provider=provider).count(),
        "links_summary": summary_of(provider),
        "claims_summary": claims.summary_of(provider),
        "impact": impact,
        "error": error,
        "is_stale": is_stale,
        "signed_out_url": f"{settings.PUBLIC_URL}/signed-out/",
        "recheck": coverage_of(provider),
        "scope": scope,
        "takes_everybody": takes_everybody(provider),
        "policies": [(policy, audience_of(policy)) for policy in policies],
        "any_in_force": any(policy.is_in_force for policy in policies),
        "group_names": Group.objects.order_by("name").values_list("name", flat=True)[:200],
    }
    allow_form_to_provider(request, provider)
    context |= health_context(provider) | guard_choices(request)
    context |= {"guards": watched(provider), "last_return": last_return(provider)}
    if impact is not None:
        context["names_query"] = urlencode(query_of(Act(impact.act), scope))
        if impact.act == Act.ACTIVATE and provider.is_active:
            context["pilot"] = pilot_of(provider)
    context |= _rehearsal_context(request, provider, error)
    status = error.http_status if error else 200
    return render(request, "admin_portal/identity_providers/show.html", context, status=status)


def _rehearsal_context(
    request: HttpRequest, provider: IdentityProvider, error: DirectoryError | None
) -> dict[str, Any]:
    """Return the latest rehearsals, and whether this administrator's own say enough for an activation."""
    administrator = actor_of(request).person
    own = rehearsals.last_rehearsal(provider, administrator)
    latest = Rehearsal.objects.filter(provider=provider).select_related("administrator").order_by("-started_at")
    return {
        "rehearsals": [(rehearsal, in_a_few_words(rehearsal)) for rehearsal in latest[:5]],
        "own_rehearsal": own,
        "own_words": in_a_few_words(own) if own else "",
        "last_test_failed": any(step["outcome"] == "failed" for step in provider.last_test or []),
        "is_rehearsed": rehearsals.is_rehearsed(provider, administrator),
        # Other numbers are to be looked at and ticked again; a missing rehearsal changes none of them.
        "keeps_tick": isinstance(error, RehearsalMissing),
    }
