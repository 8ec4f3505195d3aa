"""DIRECTORY INTEGRATIONS > Identity Providers."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from idp import queries, services
from idp.errors import KindUnknown
from idp.expiry import expiries_of
from idp.guard_returns import settle_guards
from idp.models import IdentityProvider, Kind, Status
from idp.steps import Step
from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.forms import ProviderForm, show_on_form
from portal.admin_portal.provider_page import provider_page
from portal.fresh import fresh_authentication
from users.errors import DirectoryError
from users.models import User
from users.permissions import Permission
from users.sessions import live_sessions

view_permission = permission_required(Permission.VIEW_IDENTITY_PROVIDERS)
manage_permission = permission_required(Permission.MANAGE_IDENTITY_PROVIDERS)
page_methods = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@view_permission
def index(request: HttpRequest) -> HttpResponse:
    """List the providers, and say what they are for where there is none."""
    settle_guards()
    stored = IdentityProvider.objects.annotate(links=Count("federated_identities")).order_by("name")
    providers = expiries_of(list(stored.prefetch_related("certificates")))
    context = {
        "providers": [expiry for expiry in providers if expiry.provider.status != Status.ARCHIVED],
        "archived": [expiry for expiry in providers if expiry.provider.status == Status.ARCHIVED],
    }
    return render(request, "admin_portal/identity_providers/index.html", context)


@sensitive_post_parameters("client_secret")
@page_methods
@manage_permission
@fresh_authentication
def add(request: HttpRequest, kind: str) -> HttpResponse:
    """Take a new provider. Saving stores a draft and leads to its impact."""
    if kind not in Kind.values:
        raise KindUnknown(kind=kind[:20])
    form = ProviderForm(request.POST or None, kind=kind)
    if request.method == "POST" and form.is_valid():
        try:
            provider = services.add_provider(actor=actor_of(request), kind=kind, given=form.values())
        except DirectoryError as error:
            show_on_form(form, error)
        else:
            _tell_notices(request, provider)
            return redirect("admin_portal:activate_identity_provider", pk=provider.pk)
    return add_page(request, kind, form)


@sensitive_post_parameters("client_secret")
@page_methods
@manage_permission
@fresh_authentication
def edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change a provider, with the same checks as when it was added."""
    provider = queries.find_provider(str(pk))
    form = ProviderForm(request.POST or None, kind=provider.kind, provider=provider)
    if request.method == "POST" and form.is_valid():
        try:
            provider = services.update_provider(
                actor=actor_of(request),
                provider=provider,
                given=form.values(),
                understood=form.cleaned_data.get("understood", False),
                seen_revision=form.cleaned_data["revision"],
            )
        except DirectoryError as error:
            show_on_form(form, error)
        else:
            _tell_notices(request, provider)
            messages.success(request, f"{provider.name} was saved.")
            if provider.activated_at is None:
                return redirect("admin_portal:activate_identity_provider", pk=pk)
            return redirect("admin_portal:identity_provider", pk=pk)
    return edit_page(request, provider, form)


@require_safe
@view_permission
def show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a provider, to whom it applies, and how to end it."""
    settle_guards()
    return provider_page(request, queries.find_provider(str(pk)))


@require_POST
@manage_permission
@fresh_authentication(back_to="admin_portal:identity_provider")
def discard(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Discard a draft that was never in use."""
    provider = queries.find_provider(str(pk))
    services.discard_draft(actor=actor_of(request), provider=provider)
    messages.success(request, f"The draft {provider.name} was discarded.")
    return redirect("admin_portal:identity_providers")


def add_page(request: HttpRequest, kind: str, form: ProviderForm, *, steps: list[Step] | None = None) -> HttpResponse:
    """Return the form for a new provider, with the steps of a connection test where one was run."""
    context = {
        "form": form,
        "kind": Kind(kind),
        "redirect_uri": f"{settings.PUBLIC_URL}/oauth/callback/{queries.next_slug(kind)}",
        "save_url": reverse("admin_portal:add_identity_provider", kwargs={"kind": kind}),
        "test_url": reverse("admin_portal:test_new_identity_provider", kwargs={"kind": kind}),
    }
    return _form_page(request, context, steps)


def edit_page(
    request: HttpRequest, provider: IdentityProvider, form: ProviderForm, *, steps: list[Step] | None = None
) -> HttpResponse:
    """Return the form for a stored provider, with the steps of a connection test where one was run."""
    context = {
        "form": form,
        "kind": Kind(provider.kind),
        "provider": provider,
        "redirect_uri": provider.redirect_uri,
        "save_url": reverse("admin_portal:edit_identity_provider", kwargs={"pk": provider.pk}),
        "test_url": reverse("admin_portal:test_edited_identity_provider", kwargs={"pk": provider.pk}),
    }
    if provider.is_active:
        context["people"] = User.objects.without_role().active().count()
        context["open_sessions"] = live_sessions(provider_id=provider.pk)
    return _form_page(request, context, steps)


def _form_page(request: HttpRequest, context: dict[str, Any], steps: list[Step] | None) -> HttpResponse:
    context["signed_out_url"] = f"{settings.PUBLIC_URL}/signed-out/"
    context["steps"] = steps
    status = 422 if request.method == "POST" and steps is None else 200
    return render(request, "admin_portal/identity_providers/form.html", context, status=status)


def _tell_notices(request: HttpRequest, provider: IdentityProvider) -> None:
    for notice in getattr(provider, "notices", ()):
        messages.info(request, notice)
