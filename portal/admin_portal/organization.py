"""SETTINGS > Organization: how long sessions live, and how long the audit log is kept."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.forms import LimitsForm, show_on_form
from portal.admin_portal.second_factor_rule import rule_context
from users.errors import DirectoryError
from users.models import Organization
from users.organization import current, set_limits
from users.permissions import Permission, permissions_of

LIMITS = ("session_idle_minutes", "session_absolute_hours", "audit_retention_days")


@require_safe
@permission_required(Permission.VIEW_ORGANIZATION)
def show(request: HttpRequest) -> HttpResponse:
    """Show the limits: as a form to those who may change them."""
    organization = current()
    return _page(request, organization, LimitsForm(initial={name: getattr(organization, name) for name in LIMITS}))


@require_POST
@permission_required(Permission.MANAGE_ORGANIZATION)
def change(request: HttpRequest) -> HttpResponse:
    """Change the limits. Shorter ones end sessions at once, possibly the administrator's own."""
    form = LimitsForm(request.POST)
    if form.is_valid():
        try:
            set_limits(actor=actor_of(request), **form.cleaned_data)
        except DirectoryError as error:
            show_on_form(form, error)
        else:
            messages.success(request, "The organization settings were saved.")
            return redirect("admin_portal:organization")
    return _page(request, current(), form, status=422)


def _page(request: HttpRequest, organization: Organization, form: LimitsForm, *, status: int = 200) -> HttpResponse:
    may_manage = Permission.MANAGE_ORGANIZATION in permissions_of(request.user)  # type: ignore[arg-type]
    context = {"organization": organization, "form": form, "may_manage": may_manage, **rule_context()}
    return render(request, "admin_portal/organization.html", context, status=status)
