"""An administrator's own second factor: the second step of her sign-in, and "Your account > Second factor"."""

from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import factor_pages
from portal.admin_portal.access import permission_required
from portal.faces import ADMIN
from portal.fresh import fresh_authentication
from portal.second_step import second_step_page
from users.permissions import Permission

own_permission = permission_required(Permission.OPEN_ADMIN_PORTAL, before_enrolment=True)
page_methods = require_http_methods(["GET", "HEAD", "POST"])
back_to_index = fresh_authentication(back_to="admin_portal:second_factor")


@login_not_required
@never_cache
@sensitive_post_parameters()
@page_methods
def second_step(request: HttpRequest) -> HttpResponse:
    """Take the second factor of an administrator whose password was right."""
    return second_step_page(request, ADMIN)


@require_safe
@own_permission
def index(request: HttpRequest) -> HttpResponse:
    """Show the administrator's second factors."""
    return factor_pages.index(request, ADMIN)


@sensitive_post_parameters()
@page_methods
@own_permission
@fresh_authentication
def authenticator_app(request: HttpRequest) -> HttpResponse:
    """Set up an authenticator app."""
    return factor_pages.authenticator_app(request, ADMIN)


@require_POST
@own_permission
@back_to_index
def remove_authenticator_app(request: HttpRequest) -> HttpResponse:
    """Remove the authenticator app."""
    return factor_pages.remove_app(request, ADMIN)


@page_methods
@own_permission
@fresh_authentication
def add_passkey(request: HttpRequest) -> HttpResponse:
    """Add a passkey."""
    return factor_pages.add_passkey(request, ADMIN)


@require_POST
@own_permission
@back_to_index
def remove_passkey(request: HttpRequest, passkey: UUID) -> HttpResponse:
    """Remove a passkey."""
    return factor_pages.remove_key(request, ADMIN, str(passkey))


@page_methods
@own_permission
@fresh_authentication
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Make new recovery codes."""
    return factor_pages.new_recovery_codes(request, ADMIN)
