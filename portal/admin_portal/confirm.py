"""Confirming in the Admin Portal that it is still the administrator who sits there."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.admin_portal.access import permission_required
from portal.confirming import confirm_page
from portal.faces import ADMIN
from users.permissions import Permission


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.OPEN_ADMIN_PORTAL, before_enrolment=True)
def confirm_it_is_you(request: HttpRequest) -> HttpResponse:
    """Ask for the password again, and go on."""
    return confirm_page(request, ADMIN)
