"""Who may open a page of the Admin Portal. Every page names the permission that it needs."""

from collections.abc import Callable
from functools import wraps
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache

from portal.actors import actor_of
from users.factors import must_enrol
from users.models import Realm, User
from users.permissions import Permission
from users.services import require
from users.sessions import REALM

View = Callable[..., HttpResponse]


def permission_required(permission: Permission, *, before_enrolment: bool = False) -> Callable[[View], View]:
    """Require a session of the Admin Portal, a role with this permission, and a second factor where that is the rule.

    The services behind a page check the permission again: this one only spares people pages that they cannot use.

    Args:
        before_enrolment: open the page also to an administrator who must have a second factor and has none yet.
            These are the pages on which she sets one up.
    """

    def decorate(view: View) -> View:
        @never_cache
        @wraps(view)
        def wrapper(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            # A federated session has the realm "user", so no claim of a provider opens this door.
            if request.session.get(REALM) != Realm.ADMIN:
                return redirect(reverse("admin_portal:sign_in"))
            if not before_enrolment and must_enrol(cast(User, request.user)):
                return redirect("admin_portal:second_factor")
            require(actor_of(request), permission)
            return view(request, *args, **kwargs)

        wrapper.admin_permission = permission  # type: ignore[attr-defined]
        return wrapper

    return decorate
