"""DIRECTORY INTEGRATIONS > Identity Providers > Who goes where: the routing policies."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from idp import routing_changes, routing_queries
from idp import routing_policies as services
from idp.errors import ImpactChanged
from idp.guard_returns import settle_guards
from idp.impact import ProviderImpact
from idp.impact_people import page_of
from idp.models import IdentityProvider, RoutingPolicy, Status
from idp.queries import find_provider
from idp.routing_counts import people_per_policy
from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.forms import show_on_form
from portal.admin_portal.guard_forms import guard_choices, guard_of
from portal.admin_portal.impact_people import csv_of
from portal.admin_portal.policy_forms import PlaceForm, kept_fields, posted_confirmation
from portal.admin_portal.routing_forms import RoutingPolicyForm, WhereForm
from portal.fresh import fresh_authentication
from users.errors import DirectoryError
from users.permissions import Permission

TEMPLATES = "admin_portal/routing/"
PAGE_SIZE = 50
view_permission = permission_required(Permission.VIEW_IDENTITY_PROVIDERS)
manage_permission = permission_required(Permission.MANAGE_IDENTITY_PROVIDERS)
page_methods = require_http_methods(["GET", "HEAD", "POST"])
fresh_from_policy = fresh_authentication(back_to="admin_portal:routing_policy")

Confirmed = dict[str, Any]


@require_safe
@view_permission
def index(request: HttpRequest) -> HttpResponse:
    """Say where somebody goes, and list the policies with how many people each takes."""
    settle_guards()
    form = WhereForm(request.GET if "email" in request.GET else None)
    answer = routing_queries.explain(form.cleaned_data["email"]) if form.is_bound and form.is_valid() else None
    counts = people_per_policy()
    after = request.GET.get("after", "")
    place = int(after) if after.isascii() and after.isdecimal() and len(after) < 7 else 0
    listed = routing_queries.policies(after=place, limit=PAGE_SIZE + 1)
    rows = [
        (policy, routing_queries.audience_of(policy), counts.by_policy.get(policy.pk, 0))
        for policy in listed[:PAGE_SIZE]
    ]
    context = {
        "form": form,
        "answer": answer,
        "rows": rows,
        "local": counts.local,
        "first_url": request.path if place else "",
        "next_url": f"?after={place + PAGE_SIZE}" if len(listed) > PAGE_SIZE else "",
        "providers": IdentityProvider.objects.exclude(status=Status.ARCHIVED).order_by("name"),
    }
    return render(request, f"{TEMPLATES}index.html", context)


@require_safe
@view_permission
def show(request: HttpRequest, policy: UUID) -> HttpResponse:
    """Show a policy, and what can be done with it."""
    settle_guards()
    return _policy_page(request, services.find_policy(str(policy)))


@page_methods
@manage_permission
@fresh_authentication
def add(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a new policy for a provider; who would be moved by it is shown first."""
    provider = find_provider(str(pk))
    form = RoutingPolicyForm(request.POST) if request.method == "POST" else RoutingPolicyForm.new()
    context = {"form": form, "provider": provider, "heading": "Add a routing policy", "button": "Add the policy"}
    if form.is_bound and form.is_valid():
        given = form.values()

        def save(confirmed: Confirmed) -> RoutingPolicy:
            return services.add_policy(actor=actor_of(request), provider=provider, given=given, **confirmed)

        context["can_guard"] = given.enabled
        try:
            return _do(request, lambda: routing_changes.impact_of_adding(provider, given), save, context)
        except DirectoryError as error:
            show_on_form(form, error)
    return _form_page(request, context)


@page_methods
@manage_permission
@fresh_authentication
def edit(request: HttpRequest, policy: UUID) -> HttpResponse:
    """Change a policy; who would be moved by it is shown first."""
    found = services.find_policy(str(policy))
    form = RoutingPolicyForm(request.POST) if request.method == "POST" else RoutingPolicyForm.of(found)
    context = {"form": form, "policy": found, "provider": found.provider, "heading": found.name, "button": "Save"}
    if form.is_bound and form.is_valid():
        given, seen = form.values(), form.cleaned_data["revision"]

        def save(confirmed: Confirmed) -> RoutingPolicy:
            return services.edit_policy(
                actor=actor_of(request), policy=found, given=given, seen_revision=seen, **confirmed
            )

        try:
            return _do(request, lambda: routing_changes.impact_of_editing(found, given), save, context)
        except DirectoryError as error:
            show_on_form(form, error)
    return _form_page(request, context)


@require_POST
@manage_permission
@fresh_from_policy
def enable(request: HttpRequest, policy: UUID) -> HttpResponse:
    """Switch a policy on."""
    return _switch(request, policy, enabled=True)


@require_POST
@manage_permission
@fresh_from_policy
def disable(request: HttpRequest, policy: UUID) -> HttpResponse:
    """Switch a policy off."""
    return _switch(request, policy, enabled=False)


@require_POST
@manage_permission
@fresh_from_policy
def move(request: HttpRequest, policy: UUID) -> HttpResponse:
    """Give a policy another place in the order."""
    found = services.find_policy(str(policy))
    form = _place_form(request.POST)
    if not form.is_valid():
        return _policy_page(request, found, form=form)
    position = form.cleaned_data["position"]

    def save(confirmed: Confirmed) -> RoutingPolicy:
        return services.move_policy(actor=actor_of(request), policy=found, position=position, **confirmed)

    context = {"policy": found, "provider": found.provider, "heading": found.name, "button": f"Move to {position}"}
    try:
        return _do(request, lambda: routing_changes.impact_of_moving(found, position), save, context)
    except DirectoryError as error:
        show_on_form(form, error)
        return _policy_page(request, found, form=form)


@require_POST
@manage_permission
@fresh_from_policy
def delete(request: HttpRequest, policy: UUID) -> HttpResponse:
    """Delete a policy; who would be moved by that is shown first."""
    found = services.find_policy(str(policy))

    def save(confirmed: Confirmed) -> None:
        services.delete_policy(actor=actor_of(request), policy=found, **confirmed)

    context = {"policy": found, "provider": found.provider, "heading": found.name, "button": "Yes, delete"}
    return _do(request, lambda: routing_changes.impact_of_deleting(found), save, {**context, "is_danger": True})


def _switch(request: HttpRequest, policy: UUID, *, enabled: bool) -> HttpResponse:
    found = services.find_policy(str(policy))

    def save(confirmed: Confirmed) -> RoutingPolicy:
        return services.switch_policy(actor=actor_of(request), policy=found, enabled=enabled, **confirmed)

    button = "Switch it on" if enabled else "Switch it off"
    context = {"policy": found, "provider": found.provider, "heading": found.name, "button": button}
    context["can_guard"] = enabled
    return _do(request, lambda: routing_changes.impact_of_switching(found, enabled=enabled), save, context)


def _do(
    request: HttpRequest,
    impact_of: Callable[[], ProviderImpact],
    save: Callable[[Confirmed], RoutingPolicy | None],
    context: dict[str, Any],
) -> HttpResponse:
    """Do it at once where it moves nobody; else show whom it moves, and do it once that is confirmed.

    Raises:
        DirectoryError: it is refused; a stale confirmation shows the new numbers instead.
    """
    impact, error = impact_of(), None
    if "as_csv" in request.POST:
        return csv_of(request, context["provider"], impact)
    wants_names = "names" in request.POST
    is_asked = "fingerprint" in request.POST and not wants_names
    if is_asked or not impact.moves_somebody:
        confirmed: Confirmed = {}
        if is_asked:
            confirmed = posted_confirmation(request)
            confirmed |= {"guard": guard_of(request)} if context.get("can_guard") else {}
        try:
            saved = save(confirmed)
        except ImpactChanged as stale:
            impact, error = impact_of(), stale
        else:
            return _done(request, saved, context)
    kept = kept_fields(request, but=_ASKED)
    context = {**context, "impact": impact, "error": error, "kept": kept, "action": request.path}
    context |= guard_choices(request)
    if wants_names:
        context["page"] = page_of(impact, context["provider"])
    return render(request, f"{TEMPLATES}confirm.html", context, status=error.http_status if error else 200)


# What the page that shows the impact asks for beside the confirmation itself.
_ASKED = frozenset({"guard_minutes", "failure_percent", "names", "as_csv"})


def _done(request: HttpRequest, saved: RoutingPolicy | None, context: dict[str, Any]) -> HttpResponse:
    if saved is None:
        messages.success(request, f"{context['heading']} was deleted.")
        return redirect("admin_portal:who_goes_where")
    messages.success(request, f"{saved.name} was saved.")
    return redirect("admin_portal:routing_policy", policy=saved.pk)


def _policy_page(request: HttpRequest, policy: RoutingPolicy, *, form: PlaceForm | None = None) -> HttpResponse:
    context = {
        "policy": policy,
        "audience": routing_queries.audience_of(policy),
        "people": people_per_policy().by_policy.get(policy.pk, 0),
        "form": form
        or PlaceForm(initial={"position": policy.position}, count=RoutingPolicy.objects.count(), what="routing policy"),
    }
    return render(request, f"{TEMPLATES}show.html", context, status=422 if form else 200)


def _place_form(data: Any = None, **options: Any) -> PlaceForm:
    return PlaceForm(data, count=RoutingPolicy.objects.count(), what="routing policy", **options)


def _form_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    policy: RoutingPolicy | None = context.get("policy")
    back = reverse("admin_portal:who_goes_where")
    if policy is not None:
        back = reverse("admin_portal:routing_policy", kwargs={"policy": policy.pk})
    context["back_url"] = back
    return render(request, f"{TEMPLATES}form.html", context, status=422 if request.method == "POST" else 200)
