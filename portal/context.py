"""What every template can use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from portal.admin_portal.nav import navigation
from portal.standing_in import STOOD_IN
from users import branding
from users.models import Realm, User
from users.permissions import Permission, permissions_of
from users.sessions import REALM


def portal(request: HttpRequest) -> dict[str, Any]:
    """Return what is shown of the company, and who is signed in here, with what she may see, the version included."""
    # Asked for by those pages that show it; the others cost nothing.
    context: dict[str, Any] = {"branding": SimpleLazyObject(branding.current)}
    person = getattr(request, "user", None)
    if not isinstance(person, User) or not hasattr(request, "session"):
        return context
    if request.session.get(REALM) in Realm.values:
        # For nobody who is not signed in: it would tell which known weaknesses to try.
        context["version"] = settings.VERSION
    if request.session.get(REALM) == Realm.ADMIN and request.path_info.startswith("/admin/"):
        allowed = permissions_of(person)
        context["administrator"] = person
        context["nav"] = navigation(person, request.path_info)
        context["may_manage_providers"] = Permission.MANAGE_IDENTITY_PROVIDERS in allowed
        context["may_view_providers"] = Permission.VIEW_IDENTITY_PROVIDERS in allowed
        context["may_view_audit"] = Permission.VIEW_AUDIT in allowed
    elif request.session.get(REALM) == Realm.USER:
        context["person"] = context["user"] = person
        context["federation"] = request.session.get("federation", {})
        context["stood_in"] = request.session.get(STOOD_IN)
    return context
