"""The first page of the Admin Portal."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from idp.models import IdentityProvider
from idp.queries import active_provider
from portal.admin_portal.access import permission_required
from users.models import State, User
from users.permissions import Permission


@require_safe
@permission_required(Permission.OPEN_ADMIN_PORTAL)
def home(request: HttpRequest) -> HttpResponse:
    """Show how people sign in now, and how many there are by state."""
    context = {
        "provider": active_provider(),
        "drafts": IdentityProvider.objects.filter(status="draft").count(),
        "people": {state.value: User.objects.without_role().filter(state=state).count() for state in State},
        "administrators": User.objects.administrators().active().count(),
    }
    return render(request, "admin_portal/home.html", context)
