"""SECURITY MANAGEMENT > Conditional Policies: who may open the User Portal, under which circumstances."""

from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from idp import access_policies as services
from idp import access_queries
from idp.access import Action
from idp.access_impact import AccessImpact
from idp.access_queries import TriedSignIn
from idp.access_rules import Rules, stored_rules
from idp.errors import ImpactChanged
from idp.models import AccessAction, AccessPolicy
from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.access_forms import DENY_USER_PORTAL, AccessPolicyForm, ActionForm, TryForm
from portal.admin_portal.forms import show_on_form
from portal.admin_portal.policy_forms import PlaceForm, kept_fields, posted_confirmation
from portal.fresh import fresh_authentication
from users.errors import DirectoryError
from users.models import User
from users.permissions import Permission, permissions_of

TEMPLATES = "admin_portal/access_policies/"
PAGE_SIZE = 50
TRIAL = "try"
view_permission = permission_required(Permission.VIEW_ACCESS_POLICIES)
manage_permission = permission_required(Permission.MANAGE_ACCESS_POLICIES)
page_methods = require_http_methods(["GET", "HEAD", "POST"])
fresh_from_policy = fresh_authentication(back_to="admin_portal:access_policy")
fresh_from_index = fresh_authentication(back_to="admin_portal:access_policies")

Confirmed = dict[str, Any]
Saved = AccessPolicy | Action | None


@require_safe
@view_permission
def index(request: HttpRequest) -> HttpResponse:
    """List the policies in their order, with the default behind them, and try a sign-in out on them."""
    form, rules = TryForm(request.GET if "email" in request.GET else None), stored_rules()
    answer = _tried(form, rules) if form.is_bound else None
    after = request.GET.get("after", "")
    place = int(after) if after.isascii() and after.isdecimal() and len(after) < 7 else 0
    listed = access_queries.policies(after=place, limit=PAGE_SIZE + 1)
    context = {
        "form": form,
        "answer": answer,
        "rows": [_row(policy) for policy in listed[:PAGE_SIZE]],
        "default": AccessAction(rules.default.value),
        "default_form": ActionForm(initial={"action": rules.default.value}),
        "first_url": request.path if place else "",
        "next_url": f"?after={place + PAGE_SIZE}" if len(listed) > PAGE_SIZE else "",
        "template": DENY_USER_PORTAL,
        **_rights(request),
    }
    return render(request, f"{TEMPLATES}index.html", context)


@require_safe
@view_permission
def show(request: HttpRequest, access_policy: UUID) -> HttpResponse:
    """Show a policy, and what can be done with it."""
    return _policy_page(request, services.find_policy(str(access_policy)))


@page_methods
@manage_permission
@fresh_authentication
def add(request: HttpRequest) -> HttpResponse:
    """Take a new policy; what it would mean is shown first."""
    posted = request.method == "POST"
    form = AccessPolicyForm(request.POST) if posted else AccessPolicyForm.new(request.GET.get("template", ""))
    context = {"form": form, "heading": "Add an access policy", "button": "Add the policy"}
    if form.is_bound and form.is_valid():
        given = form.values()

        def save(confirmed: Confirmed) -> AccessPolicy:
            return services.add_policy(actor=actor_of(request), given=given, **confirmed)

        try:
            return _do(request, lambda: services.impact_of_adding(given), save, context)
        except DirectoryError as error:
            show_on_form(form, error)
    return _form_page(request, context)


@page_methods
@manage_permission
@fresh_authentication
def edit(request: HttpRequest, access_policy: UUID) -> HttpResponse:
    """Change a policy; what that would mean is shown first."""
    found = services.find_policy(str(access_policy))
    form = AccessPolicyForm(request.POST) if request.method == "POST" else AccessPolicyForm.of(found)
    context = {"form": form, "policy": found, "heading": found.name, "button": "Save"}
    if form.is_bound and form.is_valid():
        given, seen = form.values(), form.cleaned_data["revision"]

        def save(confirmed: Confirmed) -> AccessPolicy:
            return services.edit_policy(
                actor=actor_of(request), policy=found, given=given, seen_revision=seen, **confirmed
            )

        try:
            return _do(request, lambda: services.impact_of_editing(found, given), save, context)
        except DirectoryError as error:
            show_on_form(form, error)
    return _form_page(request, context)


@require_POST
@manage_permission
@fresh_from_policy
def enable(request: HttpRequest, access_policy: UUID) -> HttpResponse:
    """Switch a policy on."""
    return _switch(request, access_policy, enabled=True)


@require_POST
@manage_permission
@fresh_from_policy
def disable(request: HttpRequest, access_policy: UUID) -> HttpResponse:
    """Switch a policy off."""
    return _switch(request, access_policy, enabled=False)


@require_POST
@manage_permission
@fresh_from_policy
def move(request: HttpRequest, access_policy: UUID) -> HttpResponse:
    """Give a policy another place in the order."""
    found = services.find_policy(str(access_policy))
    form = PlaceForm(request.POST, count=AccessPolicy.objects.count(), what="access policy")
    if not form.is_valid():
        return _policy_page(request, found, form=form)
    position = form.cleaned_data["position"]

    def save(confirmed: Confirmed) -> AccessPolicy:
        return services.move_policy(actor=actor_of(request), policy=found, position=position, **confirmed)

    context = {"policy": found, "heading": found.name, "button": f"Move to {position}"}
    try:
        return _do(request, lambda: services.impact_of_moving(found, position), save, context)
    except DirectoryError as error:
        show_on_form(form, error)
        return _policy_page(request, found, form=form)


@require_POST
@manage_permission
@fresh_from_policy
def delete(request: HttpRequest, access_policy: UUID) -> HttpResponse:
    """Delete a policy; what that would mean is shown first."""
    found = services.find_policy(str(access_policy))

    def save(confirmed: Confirmed) -> None:
        services.delete_policy(actor=actor_of(request), policy=found, **confirmed)

    context = {"policy": found, "heading": found.name, "button": "Yes, delete", "is_danger": True, "asks": True}
    return _do(request, lambda: services.impact_of_deleting(found), save, context)


@require_POST
@manage_permission
@fresh_from_index
def set_default(request: HttpRequest) -> HttpResponse:
    """Say what happens where no policy fits; what that would mean is shown first."""
    form = ActionForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose what happens where no policy fits: nothing was changed.")
        return redirect("admin_portal:access_policies")
    action = form.cleaned_data["action"]

    def save(confirmed: Confirmed) -> Action:
        return services.set_default(actor=actor_of(request), action=action, **confirmed)

    context = {"heading": "Default policy", "button": f"{AccessAction(action).label} by default"}
    return _do(request, lambda: services.impact_of_default(action), save, context)


def _switch(request: HttpRequest, policy: UUID, *, enabled: bool) -> HttpResponse:
    found = services.find_policy(str(policy))

    def save(confirmed: Confirmed) -> AccessPolicy:
        return services.switch_policy(actor=actor_of(request), policy=found, enabled=enabled, **confirmed)

    context = {"policy": found, "heading": found.name, "button": "Switch it on" if enabled else "Switch it off"}
    return _do(request, lambda: services.impact_of_switching(found, enabled=enabled), save, context)


def _do(
    request: HttpRequest,
    impact_of: Callable[[], AccessImpact],
    save: Callable[[Confirmed], Saved],
    context: dict[str, Any],
) -> HttpResponse:
    """Do it at once where nothing in force changes; else show what it means, and do it once that is confirmed.

    The page that shows it also tries a sign-in out on the policies as they would be. That changes nothing.

    Raises:
        DirectoryError: it is refused; a stale confirmation shows the new numbers instead.
    """
    impact, error = impact_of(), None
    trial = TryForm(request.POST if f"{TRIAL}-email" in request.POST else None, prefix=TRIAL)
    is_asked = "fingerprint" in request.POST and not trial.is_bound
    if is_asked or not (impact.changes_something or context.get("asks") or trial.is_bound):
        confirmed: Confirmed = {}
        if is_asked:
            confirmed = posted_confirmation(request)
        try:
            return _done(request, save(confirmed), context)
        except ImpactChanged as stale:
            impact, error = impact_of(), stale
    context = {
        **context,
        "impact": impact,
        "error": error,
        "trial": trial,
        "answer": _tried(trial, impact.after) if trial.is_bound else None,
        "kept": kept_fields(request, but_prefix=f"{TRIAL}-"),
        "action": request.path,
    }
    return render(request, f"{TEMPLATES}confirm.html", context, status=error.http_status if error else 200)


def _tried(form: TryForm, rules: Rules) -> TriedSignIn | None:
    """Return what the sign-in on the form would meet, or None where the form says what is wrong."""
    if not form.is_valid():
        return None
    try:
        return access_queries.try_sign_in(rules, form.person(), **form.circumstances())
    except DirectoryError as error:
        show_on_form(form, error)
        return None


def _done(request: HttpRequest, saved: Saved, context: dict[str, Any]) -> HttpResponse:
    if isinstance(saved, AccessPolicy):
        messages.success(request, f"{saved.name} was saved.")
        return redirect("admin_portal:access_policy", access_policy=saved.pk)
    done = f"{context['heading']} was deleted." if saved is None else "The default policy was saved."
    messages.success(request, done)
    return redirect("admin_portal:access_policies")


def _row(policy: AccessPolicy) -> dict[str, Any]:
    return {
        "policy": policy,
        "audience": access_queries.audience_of(policy),
        "conditions": access_queries.conditions_of(policy),
    }


def _policy_page(request: HttpRequest, policy: AccessPolicy, *, form: PlaceForm | None = None) -> HttpResponse:
    context = {
        **_row(policy),
        "form": form
        or PlaceForm(initial={"position": policy.position}, count=AccessPolicy.objects.count(), what="access policy"),
        **_rights(request),
    }
    return render(request, f"{TEMPLATES}show.html", context, status=422 if form else 200)


def _rights(request: HttpRequest) -> dict[str, bool]:
    return {"may_manage": Permission.MANAGE_ACCESS_POLICIES in permissions_of(cast(User, request.user))}


def _form_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    policy: AccessPolicy | None = context.get("policy")
    context["back_url"] = reverse("admin_portal:access_policies")
    if policy is not None:
        context["back_url"] = reverse("admin_portal:access_policy", kwargs={"access_policy": policy.pk})
    return render(request, f"{TEMPLATES}form.html", context, status=422 if request.method == "POST" else 200)
