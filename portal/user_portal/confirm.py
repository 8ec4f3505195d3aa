"""Confirming in the User Portal that it is still the same person who sits there."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.confirming import confirm_page
from portal.faces import USER
from portal.user_portal.access import enrolling_person_required


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@enrolling_person_required
def confirm_it_is_you(request: HttpRequest) -> HttpResponse:
    """Ask for the password again, and go on."""
    return confirm_page(request, USER)
