"""The first page of the Admin Portal."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from idp.activity import last_sign_in
from idp.models import IdentityProvider
from portal.actors import actor_of
from portal.admin_portal import attention
from portal.admin_portal.access import permission_required
from users.models import State, User
from users.permissions import Permission, permissions_of


@require_safe
@permission_required(Permission.OPEN_ADMIN_PORTAL)
def home(request: HttpRequest) -> HttpResponse:
    """Show what needs attention, how people sign in now, and how many there are by state."""
    # The row itself: the one that sign-ins read may be behind with the provider's health.
    provider, person = IdentityProvider.objects.active().first(), actor_of(request).person
    may_view = person is not None and Permission.VIEW_IDENTITY_PROVIDERS in permissions_of(person)
    context = {
        "provider": provider,
        "last_sign_in": last_sign_in(provider) if provider and may_view else None,
        "attention": attention.items(provider) if provider and may_view else [],
        "drafts": IdentityProvider.objects.filter(status="draft").count(),
        "people": {state.value: User.objects.without_role().filter(state=state).count() for state in State},
        "administrators": User.objects.administrators().active().count(),
    }
    return render(request, "admin_portal/home.html", context)
