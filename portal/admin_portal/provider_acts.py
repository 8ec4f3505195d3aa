"""Identity Providers: what is done with a provider once its impact was looked at, and what takes that back."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from idp import activation, guard_returns, guards, queries, services
from idp.activation_scope import EVERYBODY, Scope
from idp.errors import ImpactChanged
from idp.impact import Act, impact_of
from idp.models import IdentityProvider, Status
from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.guard_forms import guard_of
from portal.admin_portal.provider_page import provider_page
from portal.admin_portal.scopes import scope_of
from portal.fresh import fresh_authentication
from users.errors import DirectoryError
from users.permissions import Permission

manage_permission = permission_required(Permission.MANAGE_IDENTITY_PROVIDERS)
page_methods = require_http_methods(["GET", "HEAD", "POST"])
fresh_from_provider = fresh_authentication(back_to="admin_portal:identity_provider")


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
@fresh_from_provider
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
@fresh_from_provider
def confirm_guard(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Confirm what is on trial: it stays."""
    guard_returns.settle_guards()
    provider = queries.find_provider(str(pk))
    guards.confirm_guards(actor=actor_of(request), provider=provider)
    messages.success(request, f"{provider.name} is confirmed: people go on signing in with it.")
    return redirect("admin_portal:identity_provider", pk=pk)


@require_POST
@manage_permission
@fresh_from_provider
def take_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take back what is on trial: people sign in as before."""
    provider = queries.find_provider(str(pk))
    guard_returns.call_back(actor=actor_of(request), provider=provider)
    messages.success(request, f"{provider.name} was taken back: people sign in as they did before.")
    return redirect("admin_portal:identity_provider", pk=pk)


def _confirm(request: HttpRequest, pk: UUID, act: Act) -> HttpResponse:
    """Show an act's impact in its dialog, or do it once it is confirmed. A stale confirmation shows the new numbers."""
    guard_returns.settle_guards()
    provider = queries.find_provider(str(pk))
    error: DirectoryError | None = None
    scope, scope_error = scope_of(request) if act == Act.ACTIVATE else (EVERYBODY, None)
    if act == Act.ACTIVATE and provider.status == Status.ARCHIVED and request.method != "POST":
        messages.info(request, f"{provider.name} is archived. Restore it first.")
        return redirect("admin_portal:identity_provider", pk=pk)
    if _is_done(provider, act, scope):
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
    return provider_page(request, provider, impact=impact, error=error or scope_error, is_stale=is_stale, scope=scope)


_DONE_STATUS = {Act.ARCHIVE: Status.ARCHIVED}
_DONE_WORDS = {Act.ACTIVATE: "active already", Act.DEACTIVATE: "not active", Act.ARCHIVE: "archived already"}


def _is_done(provider: IdentityProvider, act: Act, scope: Scope) -> bool:
    if act == Act.ACTIVATE:
        return activation.is_in_effect(provider, scope)
    return not provider.is_active if act == Act.DEACTIVATE else provider.status == _DONE_STATUS.get(act)


def _perform(request: HttpRequest, provider: IdentityProvider, act: Act, scope: Scope) -> None:
    actor, fingerprint = actor_of(request), request.POST.get("fingerprint", "")
    understood = bool(request.POST.get("understood"))
    if act == Act.ACTIVATE:
        guard = guard_of(request)
        activation.activate_provider(
            actor=actor,
            provider=provider,
            understood=understood,
            fingerprint=fingerprint,
            without_rehearsal=bool(request.POST.get("without_rehearsal")),
            scope=scope,
            guard=guard,
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
