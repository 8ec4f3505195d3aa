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

from idp import activation, queries, rehearsals, services
from idp.activation_scope import EVERYBODY, Scope
from idp.errors import ImpactChanged, KindUnknown, RehearsalMissing
from idp.expiry import expiries_of
from idp.impact import Act, ProviderImpact, impact_of
from idp.link_queries import summary_of
from idp.models import FederatedIdentity, IdentityProvider, Kind, Rehearsal, Status
from idp.recheck import coverage_of
from idp.rehearsal_report import in_a_few_words
from idp.routing_queries import audience_of, policies_of, takes_everybody
from idp.steps import Step
from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.attention import health_context
from portal.admin_portal.forms import ProviderForm, show_on_form
from portal.fresh import fresh_authentication
from portal.user_portal.access import allow_form_to_provider
from users.errors import DirectoryError
from users.group_errors import GroupNotFound
from users.group_list import find_group
from users.models import Group, User
from users.permissions import Permission
from users.sessions import live_sessions

view_permission = permission_required(Permission.VIEW_IDENTITY_PROVIDERS)
manage_permission = permission_required(Permission.MANAGE_IDENTITY_PROVIDERS)
page_methods = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@view_permission
def index(request: HttpRequest) -> HttpResponse:
    """List the providers, and say what they are for where there is none."""
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
    return _provider_page(request, queries.find_provider(str(pk)))


@page_methods
@manage_permission
@fresh_authentication
def activate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the impact of federation; confirmed, send people to the provider."""
    return _confirm(request, pk, Act.ACTIVATE)


@page_methods
@manage_permission
@fresh_authentication
def deactivate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the impact of ending federation; confirmed, people sign in locally again."""
    return _confirm(request, pk, Act.DEACTIVATE)


@page_methods
@manage_permission
@fresh_authentication
def archive(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show what archiving changes; confirmed, put the provider away with its links."""
    return _confirm(request, pk, Act.ARCHIVE)


@require_POST
@manage_permission
@fresh_authentication(back_to="admin_portal:identity_provider")
def restore(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Bring an archived provider back; nobody is sent to it before it is activated."""
    provider = activation.restore_provider(actor=actor_of(request), provider=queries.find_provider(str(pk)))
    messages.success(request, f"{provider.name} was restored. Nobody is sent there before you activate it.")
    return redirect("admin_portal:identity_provider", pk=pk)


@page_methods
@manage_permission
@fresh_authentication
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show what a deletion loses; with the name typed, delete."""
    return _confirm(request, pk, Act.DELETE)


@require_POST
@manage_permission
@fresh_authentication(back_to="admin_portal:identity_provider")
def discard(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Discard a draft that was never in use."""
    provider = queries.find_provider(str(pk))
    services.discard_draft(actor=actor_of(request), provider=provider)
    messages.success(request, f"The draft {provider.name} was discarded.")
    return redirect("admin_portal:identity_providers")


def _confirm(request: HttpRequest, pk: UUID, act: Act) -> HttpResponse:
    """Show an act's impact in its dialog, or do it once it is confirmed. A stale confirmation shows the new numbers."""
    provider = queries.find_provider(str(pk))
    error: DirectoryError | None = None
    scope, scope_error = _scope_of(request) if act == Act.ACTIVATE else (EVERYBODY, None)
    if _is_done(provider, act):
        messages.info(request, f"{provider.name} is {_DONE_WORDS[act]}.")
        return redirect("admin_portal:identity_provider", pk=pk)
    if request.method == "POST":
        try:
            if scope_error is not None:
                raise scope_error
            _perform(request, provider, act, scope)
        except DirectoryError as refused:
            error = refused
        else:
            gone = act == Act.DELETE
            return (
                redirect("admin_portal:identity_providers")
                if gone
                else redirect("admin_portal:identity_provider", pk=pk)
            )
    impact = impact_of(act, provider, scope=scope)
    is_stale = isinstance(error, ImpactChanged)
    return _provider_page(request, provider, impact=impact, error=error or scope_error, is_stale=is_stale, scope=scope)


_DONE_WORDS = {Act.ACTIVATE: "active already", Act.DEACTIVATE: "not active", Act.ARCHIVE: "archived already"}


def _is_done(provider: IdentityProvider, act: Act) -> bool:
    wanted = {Act.ACTIVATE: Status.ACTIVE, Act.ARCHIVE: Status.ARCHIVED}
    return not provider.is_active if act == Act.DEACTIVATE else provider.status == wanted.get(act)


def _scope_of(request: HttpRequest) -> tuple[Scope, DirectoryError | None]:
    """Return to whom an activation applies, as it was chosen; everybody at once unless something else was."""
    chosen = request.POST if request.method == "POST" else request.GET
    if chosen.get("scope") == "policies":
        return Scope(as_policies_say=True), None
    if chosen.get("scope") != "group":
        return EVERYBODY, None
    try:
        return Scope(group=find_group(chosen.get("group", "")[:100])), None
    except GroupNotFound as error:
        return EVERYBODY, error


def _perform(request: HttpRequest, provider: IdentityProvider, act: Act, scope: Scope) -> None:
    actor, fingerprint = actor_of(request), request.POST.get("fingerprint", "")
    understood = bool(request.POST.get("understood"))
    if act == Act.ACTIVATE:
        activation.activate_provider(
            actor=actor,
            provider=provider,
            understood=understood,
            fingerprint=fingerprint,
            without_rehearsal=bool(request.POST.get("without_rehearsal")),
            scope=scope,
        )
        messages.success(request, f"{provider.name} is active: people sign in with it from now on.")
    elif act == Act.DEACTIVATE:
        activation.deactivate_provider(actor=actor, provider=provider, understood=understood, fingerprint=fingerprint)
        messages.success(request, f"{provider.name} is not active any more: nobody is sent there.")
    elif act == Act.ARCHIVE:
        activation.archive_provider(actor=actor, provider=provider, understood=understood, fingerprint=fingerprint)
        messages.success(request, f"{provider.name} was archived. Its links are kept.")
    else:
        name = request.POST.get("confirm_name", "")
        services.delete_provider(actor=actor, provider=provider, confirm_name=name, fingerprint=fingerprint)
        messages.success(request, f"{provider.name} was deleted.")


def _provider_page(
    request: HttpRequest,
    provider: IdentityProvider,
    *,
    impact: ProviderImpact | None = None,
    error: DirectoryError | None = None,
    is_stale: bool = False,
    scope: Scope = EVERYBODY,
) -> HttpResponse:
    context: dict[str, Any] = {
        "provider": provider,
        "kind": Kind(provider.kind),
        "links": FederatedIdentity.objects.filter(provider=provider).count(),
        "links_summary": summary_of(provider),
        "impact": impact,
        "error": error,
        "is_stale": is_stale,
        "signed_out_url": f"{settings.PUBLIC_URL}/signed-out/",
        "recheck": coverage_of(provider),
        "scope": scope,
        "takes_everybody": takes_everybody(provider),
        "policies": [(policy, audience_of(policy)) for policy in policies_of(provider)],
        "group_names": Group.objects.order_by("name").values_list("name", flat=True)[:200],
    }
    allow_form_to_provider(request, provider)
    context |= health_context(provider)
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
