"""A person's own account: the pages behind mailed links, a forgotten password, and changing the password."""

from typing import cast

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from idp.queries import password_owner
from portal import link_pages, own_password
from portal.link_pages import LinkPage
from portal.user_portal.access import person_required
from users.invitations import accept_invitation as accept
from users.invitations import find_invitation
from users.models import Realm, User
from users.passwords import find_reset, reset_password

INVITATION = LinkPage(Realm.USER, find_invitation, accept, "Choose your password", "Set the password")
RESET = LinkPage(Realm.USER, find_reset, reset_password, "Choose a new password", "Set the password")


@login_not_required
@never_cache
@sensitive_post_parameters("password", "password_again")
@require_http_methods(["GET", "HEAD", "POST"])
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Let an invited person choose a password."""
    return link_pages.choose_password(request, token, INVITATION)


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgot_password(request: HttpRequest) -> HttpResponse:
    """Ask for a link for a new password."""
    return link_pages.forgot_password(request, Realm.USER)


@login_not_required
@never_cache
@sensitive_post_parameters("password", "password_again")
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest, token: str) -> HttpResponse:
    """Set a new password behind a link."""
    return link_pages.choose_password(request, token, RESET)


@require_http_methods(["GET", "HEAD", "POST"])
@person_required
@sensitive_post_parameters("old_password", "new_password", "new_password_again")
def password(request: HttpRequest) -> HttpResponse:
    """Change the person's own password, or say whose it is to change."""
    owner = password_owner(cast(User, request.user))
    return own_password.change_password(
        request, template="user_portal/change_password.html", back="user_portal:security", owner=owner
    )
