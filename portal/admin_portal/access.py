"""Who may open a page of the Admin Portal. Every page names the permission that it needs."""

from collections.abc import Callable
from functools import wraps
from typing import cast
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache

from portal.actors import actor_of
from portal.fresh import View as FreshView
from portal.fresh import fresh_authentication
from users.factors import must_enrol
from users.models import Realm, User
from users.permissions import Permission
from users.services import require
from users.sessions import REALM

View = Callable[..., HttpResponseBase]


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
        def wrapper(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
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


def fresh_about_administrators(*, back_to: str = "") -> Callable[[FreshView], FreshView]:
    """Ask once more who sits there where the person whom the address names is an administrator.

    Her email leads to a link for a new password, and so to her role: that is as much as giving the role away.

    Args:
        back_to: as for `fresh_authentication`.
    """
    return fresh_authentication(back_to=back_to, who_may=Permission.MANAGE_ADMINISTRATORS, only_if=_is_administrator)


def _is_administrator(person: UUID) -> bool:
    return User.objects.administrators().filter(pk=person).exists()
