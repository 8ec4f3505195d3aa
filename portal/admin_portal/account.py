"""An administrator's own account: the pages behind mailed links, a forgotten password, and changing the password."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal import link_pages, own_password
from portal.admin_portal.access import permission_required
from portal.link_pages import LinkPage
from users.admin_invitations import accept_admin_invitation, find_admin_invitation
from users.break_glass import repairs_until
from users.models import Realm
from users.passwords import find_reset, reset_password
from users.permissions import Permission

INVITATION = LinkPage(
    Realm.ADMIN, find_admin_invitation, accept_admin_invitation, "Become an administrator", "Accept the invitation"
)
RESET = LinkPage(Realm.ADMIN, find_reset, reset_password, "Choose a new password", "Set the password")


@login_not_required
@never_cache
@sensitive_post_parameters("password", "password_again")
@require_http_methods(["GET", "HEAD", "POST"])
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Show an invitation, and accept it with a password."""
    return link_pages.choose_password(request, token, INVITATION)


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgot_password(request: HttpRequest) -> HttpResponse:
    """Ask for a link for a new password."""
    return link_pages.forgot_password(request, Realm.ADMIN)


@login_not_required
@never_cache
@sensitive_post_parameters("password", "password_again")
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest, token: str) -> HttpResponse:
    """Set a new password behind a link."""
    return link_pages.choose_password(request, token, RESET)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.OPEN_ADMIN_PORTAL)
@sensitive_post_parameters("old_password", "new_password", "new_password_again")
def password(request: HttpRequest) -> HttpResponse:
    """Change the administrator's own password, which holds in both portals."""
    if request.method != "POST" and repairs_until(request.session):
        return redirect("admin_portal:new_own_password")
    return own_password.change_password(
        request, template="admin_portal/password.html", back="admin_portal:own_password"
    )
