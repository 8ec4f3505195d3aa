"""The connection test: of a stored provider, and of what stands in a form that is not saved."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from idp import queries, services
from idp.errors import KindUnknown
from idp.models import IdentityProvider, Kind
from idp.steps import Step
from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.forms import ProviderForm, show_on_form
from portal.admin_portal.identity_providers import add_page, edit_page
from users.errors import DirectoryError
from users.permissions import Permission

manage_permission = permission_required(Permission.MANAGE_IDENTITY_PROVIDERS)


@require_POST
@manage_permission
def test_stored(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Run the connection test and show its steps on the provider's page."""
    provider = queries.find_provider(str(pk))
    steps = services.test_provider(actor=actor_of(request), provider=provider)
    failed = [step for step in steps if step.outcome == "failed"]
    if failed:
        messages.error(request, f"{failed[0].name} failed. The connection test below says why.")
    else:
        messages.success(request, "The connection test passed.")
    return redirect("admin_portal:identity_provider", pk=pk)


@sensitive_post_parameters("client_secret")
@require_POST
@manage_permission
def test_new(request: HttpRequest, kind: str) -> HttpResponse:
    """Test what stands in the form for a new provider, and show the form again. Nothing is stored."""
    if kind not in Kind.values:
        raise KindUnknown(kind=kind[:20])
    form = ProviderForm(request.POST, kind=kind, testing=True)
    return add_page(request, kind, form, steps=_tested(request, form, kind))


@sensitive_post_parameters("client_secret")
@require_POST
@manage_permission
def test_edited(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Test what stands in the form for a stored provider, and show the form again. Nothing is stored."""
    provider = queries.find_provider(str(pk))
    form = ProviderForm(request.POST, kind=provider.kind, provider=provider, testing=True)
    return edit_page(request, provider, form, steps=_tested(request, form, provider.kind, provider))


def _tested(
    request: HttpRequest, form: ProviderForm, kind: str, provider: IdentityProvider | None = None
) -> list[Step] | None:
    """Return the steps, or None where the form says what is wrong with it."""
    steps = None
    if form.is_valid():
        try:
            steps = services.test_settings(actor=actor_of(request), kind=kind, given=form.values(), provider=provider)
        except DirectoryError as error:
            show_on_form(form, error)
    form.show_as_typed()
    return steps
