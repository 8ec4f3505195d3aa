"""A person's second factor at Gatehouse: the second step of a sign-in, and Security > Second factor."""

from functools import wraps
from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from idp.factor_owners import factor_owner
from portal import factor_pages
from portal.faces import USER
from portal.fresh import fresh_authentication
from portal.second_step import second_step_page
from portal.standing_in import STOOD_IN
from portal.user_portal.access import View, enrolling_person_required
from users.models import User

page_methods = require_http_methods(["GET", "HEAD", "POST"])
back_to_index = fresh_authentication(back_to="user_portal:second_factor")


def own_factors_required(view: View) -> View:
    """Lead a person whose provider alone asks for a second factor to the page that says why it is not hers to change.

    So is whoever gave her password in the place of a provider that is down: she may have no more than that.
    """

    @enrolling_person_required
    @wraps(view)
    def wrapper(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if STOOD_IN in request.session or factor_owner(cast(User, request.user)) is not None:
            return redirect("user_portal:second_factor")
        return view(request, *args, **kwargs)

    return wrapper


@login_not_required
@never_cache
@sensitive_post_parameters()
@page_methods
def second_step(request: HttpRequest) -> HttpResponse:
    """Take the second factor of a person whose password was right."""
    return second_step_page(request, USER)


@require_safe
@enrolling_person_required
def index(request: HttpRequest) -> HttpResponse:
    """Show the person's second factors."""
    return factor_pages.index(request, USER)


@sensitive_post_parameters()
@page_methods
@own_factors_required
@fresh_authentication
def authenticator_app(request: HttpRequest) -> HttpResponse:
    """Set up an authenticator app."""
    return factor_pages.authenticator_app(request, USER)


@require_POST
@own_factors_required
@back_to_index
def remove_authenticator_app(request: HttpRequest) -> HttpResponse:
    """Remove the authenticator app."""
    return factor_pages.remove_app(request, USER)


@page_methods
@own_factors_required
@fresh_authentication
def add_passkey(request: HttpRequest) -> HttpResponse:
    """Add a passkey."""
    return factor_pages.add_passkey(request, USER)


@require_POST
@own_factors_required
@back_to_index
def remove_passkey(request: HttpRequest, passkey: UUID) -> HttpResponse:
    """Remove a passkey."""
    return factor_pages.remove_key(request, USER, str(passkey))


@page_methods
@own_factors_required
@fresh_authentication
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Make new recovery codes."""
    return factor_pages.new_recovery_codes(request, USER)
