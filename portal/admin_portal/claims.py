"""Identity Providers > a provider > Claims: what its claims keep, tried out on the last rehearsal, and whom it adds."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from idp import claim_queries, claim_rules
from idp.claim_plan import GroupRule
from idp.models import IdentityProvider, PersonField, Status
from idp.queries import find_provider
from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.claim_forms import GroupRuleForm, JitForm, MappingForm
from portal.admin_portal.forms import show_on_form
from portal.admin_portal.rehearsals import claim_changes
from portal.fresh import fresh_authentication
from users.errors import DirectoryError
from users.models import Group
from users.permissions import Permission

TEMPLATES = "admin_portal/identity_providers/"
PAGE_SIZE = 15
GROUPS_OFFERED = 200
view_permission = permission_required(Permission.VIEW_IDENTITY_PROVIDERS)
manage_permission = permission_required(Permission.MANAGE_IDENTITY_PROVIDERS)
fresh_from_claims = fresh_authentication(back_to="admin_portal:identity_provider_claims")


@require_safe
@view_permission
def show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the rules, and what they would do with the claims of the last rehearsal."""
    return _page(request, find_provider(str(pk)))


@require_POST
@manage_permission
@fresh_from_claims
def map_claim(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let a claim keep a field."""
    provider, form = find_provider(str(pk)), MappingForm(request.POST, auto_id="id_map_%s")
    if form.is_valid():
        try:
            claim_rules.map_claim(actor=actor_of(request), provider=provider, **form.cleaned_data)
        except DirectoryError as error:
            show_on_form(form, error)
        else:
            label = PersonField(form.cleaned_data["field"]).label
            return _done(request, pk, f"{label} is kept by a claim from each person’s next sign-in on.")
    return _page(request, provider, mapping_form=form)


@require_POST
@manage_permission
@fresh_from_claims
def unmap_claim(request: HttpRequest, pk: UUID, field: str) -> HttpResponse:
    """Let no claim keep a field any more."""
    claim_rules.unmap_claim(actor=actor_of(request), provider=find_provider(str(pk)), field=field)
    return _done(request, pk, f"{PersonField(field).label} is kept by no claim any more. What people have stays.")


@require_POST
@manage_permission
@fresh_from_claims
def add_group(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Add a rule for a group; what it would do with the claims of the last rehearsal is shown first."""
    provider, form = find_provider(str(pk)), GroupRuleForm(request.POST, auto_id="id_rule_%s")
    if form.is_valid():
        try:
            if "seen" not in request.POST:
                return _preview(request, provider, form)
            claim_rules.add_claim_group(actor=actor_of(request), provider=provider, **form.cleaned_data)
        except DirectoryError as error:
            show_on_form(form, error)
        else:
            said = f"The rule for {form.cleaned_data['group'].name} counts from each person’s next sign-in on."
            return _done(request, pk, said)
    return _page(request, provider, rule_form=form)


@require_POST
@manage_permission
@fresh_from_claims
def remove_group(request: HttpRequest, pk: UUID, rule: int) -> HttpResponse:
    """Remove a rule for a group."""
    removed = claim_rules.remove_claim_group(actor=actor_of(request), provider=find_provider(str(pk)), rule_id=rule)
    return _done(request, pk, f"The rule for {removed.group.name} was removed. Its members stay.")


@require_POST
@manage_permission
@fresh_from_claims
def set_jit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Say whether, and how, people are added at their first sign-in."""
    provider, form = find_provider(str(pk)), JitForm(request.POST, auto_id="id_jit_%s")
    if form.is_valid():
        try:
            changed = claim_rules.set_jit(actor=actor_of(request), provider=provider, **form.values())
        except DirectoryError as error:
            show_on_form(form, error)
        else:
            said = "People are added at their first sign-in." if changed.jit_enabled else "Nobody is added any more."
            return _done(request, pk, said)
    return _page(request, provider, jit_form=form)


def summary_of(provider: IdentityProvider) -> dict[str, Any]:
    """Return what the provider's page says of its claims."""
    left_out = [each.claim for each in claim_queries.recent_overage(provider)]
    return {
        "mapped": [field.label for field, claim in claim_queries.mappings_of(provider) if claim],
        "rules": claim_queries.group_rules_of(provider).count(),
        "overage": claim_changes({"left_out": left_out}),
    }


def _done(request: HttpRequest, pk: UUID, said: str) -> HttpResponse:
    messages.success(request, said)
    return redirect("admin_portal:identity_provider_claims", pk=pk)


def _preview(request: HttpRequest, provider: IdentityProvider, form: GroupRuleForm) -> HttpResponse:
    """Show what a rule would do before it is stored; raises ClaimNameInvalid and the like for bad input."""
    given = form.cleaned_data
    claim, value, group = (
        claim_rules.clean_claim(given["claim"]),
        claim_rules.clean_value(given["value"]),
        given["group"],
    )
    seen = claim_queries.preview(provider, GroupRule(claim, value, group.pk))
    context = {
        "provider": provider,
        "rule": {"claim": claim, "value": value, "group": group},
        "preview": seen,
        "changes": claim_changes(seen.changes) if seen else {},
        "routes": group.routing.exists(),
    }
    return render(request, f"{TEMPLATES}claims_preview.html", context)


def _page(
    request: HttpRequest,
    provider: IdentityProvider,
    *,
    mapping_form: forms.Form | None = None,
    rule_form: forms.Form | None = None,
    jit_form: forms.Form | None = None,
) -> HttpResponse:
    after = request.GET.get("after", "")
    start = int(after) if after.isascii() and after.isdecimal() and len(after) < 5 else 0
    rules = list(claim_queries.group_rules_of(provider)[start : start + PAGE_SIZE + 1])
    jit_groups, seen = claim_queries.jit_groups_of(provider), claim_queries.preview(provider)
    context = {
        "provider": provider,
        "is_archived": provider.status == Status.ARCHIVED,
        "mappings": claim_queries.mappings_of(provider),
        "rules": rules[:PAGE_SIZE],
        "first_url": request.path if start else "",
        "next_url": f"?after={start + PAGE_SIZE}" if len(rules) > PAGE_SIZE else "",
        "jit_groups": jit_groups,
        "preview": seen,
        "changes": claim_changes(seen.changes) if seen else {},
        "overage": summary_of(provider)["overage"],
        "claim_names": list(seen.rehearsal.sent) if seen else [],
        "group_names": Group.objects.order_by("name").values_list("name", flat=True)[:GROUPS_OFFERED],
        "routing_groups": claim_queries.groups_that_route(provider),
        "mapping_form": mapping_form or MappingForm(auto_id="id_map_%s"),
        "rule_form": rule_form or GroupRuleForm(auto_id="id_rule_%s"),
        "jit_form": jit_form or JitForm.of(provider, jit_groups),
    }
    is_refused = bool(mapping_form or rule_form or jit_form)
    return render(request, f"{TEMPLATES}claims.html", context, status=422 if is_refused else 200)
