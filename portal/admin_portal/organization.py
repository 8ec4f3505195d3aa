"""SETTINGS > Organization: how the company shows itself, whom people ask, how people begin, and what limits hold.

Each section is a form with an address of its own. A refused one comes back as it was typed; the others show what is
stored.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.forms import LimitsForm, show_on_form
from portal.admin_portal.organization_forms import DefaultStatesForm, LogoForm, NameForm, SupportForm
from portal.admin_portal.second_factor_rule import rule_context
from portal.fresh import fresh_authentication
from users import branding, organization_profile
from users.errors import DirectoryError
from users.organization import current, set_limits
from users.permissions import Permission, permissions_of

SECTIONS: dict[str, type[forms.Form]] = {
    "profile": NameForm,
    "logo": LogoForm,
    "support": SupportForm,
    "defaults": DefaultStatesForm,
    "limits": LimitsForm,
}


@require_safe
@permission_required(Permission.VIEW_ORGANIZATION)
def show(request: HttpRequest) -> HttpResponse:
    """Show the settings: as forms to those who may change them."""
    return _page(request)


@require_POST
@permission_required(Permission.MANAGE_ORGANIZATION)
def change_name(request: HttpRequest) -> HttpResponse:
    """Say what the company is called."""
    form = NameForm(request.POST)
    return _save(
        request, "profile", form, lambda: organization_profile.set_name(actor=actor_of(request), **form.cleaned_data)
    )


@require_POST
@permission_required(Permission.MANAGE_ORGANIZATION)
def change_logo(request: HttpRequest) -> HttpResponse:
    """Show another logo."""
    form = LogoForm(request.POST, request.FILES)
    return _save(
        request, "logo", form, lambda: organization_profile.set_logo(actor=actor_of(request), data=form.data_of())
    )


@require_POST
@permission_required(Permission.MANAGE_ORGANIZATION)
def remove_logo(request: HttpRequest) -> HttpResponse:
    """Show no logo any more."""
    organization_profile.remove_logo(actor=actor_of(request))
    messages.success(request, "The logo was removed.")
    return redirect("admin_portal:organization")


@require_POST
@permission_required(Permission.MANAGE_ORGANIZATION)
def change_support(request: HttpRequest) -> HttpResponse:
    """Say whom people ask for help."""
    form = SupportForm(request.POST)
    return _save(
        request, "support", form, lambda: organization_profile.set_support(actor=actor_of(request), **form.values())
    )


@require_POST
@permission_required(Permission.MANAGE_ORGANIZATION)
def change_defaults(request: HttpRequest) -> HttpResponse:
    """Say in which state new people begin."""
    form = DefaultStatesForm(request.POST)
    return _save(
        request,
        "defaults",
        form,
        lambda: organization_profile.set_default_states(actor=actor_of(request), states=form.values()),
    )


@require_POST
@permission_required(Permission.MANAGE_ORGANIZATION)
@fresh_authentication(back_to="admin_portal:organization")
def change(request: HttpRequest) -> HttpResponse:
    """Change the limits. Shorter ones end sessions at once, possibly one's own, and what the log keeps."""
    form = LimitsForm(request.POST)
    return _save(request, "limits", form, lambda: set_limits(actor=actor_of(request), **form.cleaned_data))


def _save(request: HttpRequest, section: str, form: forms.Form, save: Callable[[], object]) -> HttpResponse:
    """Save one section, or show the page with what is wrong beside its fields."""
    if form.is_valid():
        try:
            save()
        except DirectoryError as error:
            show_on_form(form, error)
        else:
            messages.success(request, "The organization settings were saved.")
            return redirect("admin_portal:organization")
    return _page(request, {section: form}, status=422)


def _page(request: HttpRequest, refused: dict[str, forms.Form] | None = None, *, status: int = 200) -> HttpResponse:
    organization = current()
    sections = {
        name: form_class(initial={field: getattr(organization, field, None) for field in form_class.base_fields})
        for name, form_class in SECTIONS.items()
    }
    context: dict[str, Any] = {
        "organization": organization,
        "shown": branding.fresh(),
        "forms": {**sections, **(refused or {})},
        "may_manage": Permission.MANAGE_ORGANIZATION in permissions_of(request.user),  # type: ignore[arg-type]
        **rule_context(),
    }
    return render(request, "admin_portal/organization.html", context, status=status)
