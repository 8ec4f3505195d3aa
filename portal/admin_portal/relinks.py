"""Linking people anew, many at once: what to do after an app registration, a tenant or the subjects were replaced."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from idp import link_queries, relinking
from idp.errors import ImpactChanged, ImpactNotConfirmed
from idp.impact import ProviderImpact
from idp.link_errors import LinkFileRefused
from idp.queries import find_provider
from idp.relink_impact import forget_impact
from portal.actors import actor_of
from portal.admin_portal.forms import show_on_form
from portal.admin_portal.link_forms import MapForm
from portal.admin_portal.links import TEMPLATES, manage_permission, page_methods
from portal.fresh import fresh_authentication
from users.errors import DirectoryError

PROBLEMS_SHOWN = 100


@require_safe
@manage_permission
def relink(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Say what survives which replacement, and offer both ways to link people anew."""
    provider = find_provider(str(pk))
    return _relink_page(request, {"provider": provider})


def _relink_page(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    context["summary"] = link_queries.summary_of(context["provider"])
    return render(request, f"{TEMPLATES}links_relink.html", context, status=status)


@page_methods
@manage_permission
@fresh_authentication
def forget(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the impact of forgetting links; confirmed, forget them."""
    provider, error = find_provider(str(pk)), None
    every = (request.POST if request.method == "POST" else request.GET).get("scope") == "all"
    if request.method == "POST":
        try:
            impact = relinking.forget_links(
                actor=actor_of(request),
                provider=provider,
                every=every,
                understood=bool(request.POST.get("understood")),
                fingerprint=request.POST.get("fingerprint", ""),
            )
        except DirectoryError as refused:
            error = refused
        else:
            count = impact.numbers()["links_forgotten"]
            messages.success(request, f"{count} link{'' if count == 1 else 's'} forgotten.")
            return redirect("admin_portal:identity_provider_links", pk=pk)
    context = {
        "provider": provider,
        "every": every,
        "impact": forget_impact(provider, every=every),
        "error": error,
        "is_stale": isinstance(error, ImpactChanged),
    }
    return _relink_page(request, context, status=error.http_status if error else 200)


@page_methods
@manage_permission
@fresh_authentication
def map_accounts(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take lines of old and new accounts, show what they would change, and do it once that is confirmed."""
    provider = find_provider(str(pk))
    form = MapForm(request.POST if request.method == "POST" else None)
    impact: ProviderImpact | None = None
    error: DirectoryError | None = None
    if form.is_valid():
        given = {"actor": actor_of(request), "provider": provider, "lines": form.cleaned_data["lines"]}
        confirms = "fingerprint" in request.POST
        try:
            impact = relinking.map_links(**given, dry_run=True)
            if confirms:
                understood, fingerprint = bool(request.POST.get("understood")), request.POST["fingerprint"]
                done = relinking.map_links(**given, understood=understood, fingerprint=fingerprint)
                messages.success(request, f"{done.numbers()['links_moved']} links go to new accounts from now on.")
                return redirect("admin_portal:identity_provider_links", pk=pk)
        except (ImpactChanged, ImpactNotConfirmed) as refused:
            error = refused
        except DirectoryError as refused:
            show_on_form(form, refused)
            error = refused
    context = {
        "provider": provider,
        "form": form,
        "impact": impact,
        "error": error,
        "is_stale": isinstance(error, ImpactChanged),
        "problems": error.problems[:PROBLEMS_SHOWN] if isinstance(error, LinkFileRefused) else [],
    }
    status = error.http_status if error and impact else 422 if form.errors else 200
    return render(request, f"{TEMPLATES}links_map.html", context, status=status)
