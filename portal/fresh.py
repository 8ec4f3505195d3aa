"""Fresh authentication: before acts with large consequences Gatehouse asks once more who sits there.

A session is fresh for ten minutes after its owner gave the password, or a second factor. The decorator stands below
the one for the permission, so that nobody is asked for a password for what she may not do anyway:

    @page_methods
    @permission_required(Permission.MANAGE_IDENTITY_PROVIDERS)
    @fresh_authentication
    def edit(request, pk): ...

    @require_POST
    @permission_required(Permission.MANAGE_IDENTITY_PROVIDERS)
    @fresh_authentication(back_to="admin_portal:identity_provider")
    def discard(request, pk): ...

A page that holds a form is guarded when it is opened, so that its POST is seldom too late. One that is too late is kept
over the confirmation and then goes on by itself (portal/late_forms.py). Where it cannot be kept, because a file came
with it, its page opens again and says that the button is to be pressed again.
"""

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from itertools import combinations
from typing import Any, cast, overload
from urllib.parse import urlencode

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from portal import late_forms
from portal.actors import actor_of
from users.audit import record_refusal
from users.errors import DirectoryError
from users.models import Realm, User
from users.permissions import Permission, permissions_of
from users.sessions import REALM

FRESH_FOR = timedelta(minutes=10)
FRESH_AT = "fresh_at"
CONFIRM_PAGES = {Realm.ADMIN: "admin_portal:confirm_it_is_you", Realm.USER: "user_portal:confirm_it_is_you"}

View = Callable[..., HttpResponse]


class ConfirmationNeeded(DirectoryError):
    """The password was given too long ago for this act."""

    code = "portal.confirmation_needed"
    message = "It is more than ten minutes since you last confirmed that it is you, so nothing was done yet."
    hint = "Confirm that it is you, and it goes on from there."
    http_status = 403
    exit_status = 3


def mark_fresh(session: SessionBase) -> None:
    """Note that the owner of a session has just shown who she is."""
    session[FRESH_AT] = timezone.now().isoformat()


def is_fresh(session: SessionBase) -> bool:
    """Return whether the owner of a session showed within the last ten minutes who she is."""
    noted: str | None = session.get(FRESH_AT)
    return noted is not None and timezone.now() - datetime.fromisoformat(noted) < FRESH_FOR


@overload
def fresh_authentication(view: View) -> View: ...


@overload
def fresh_authentication(
    *, back_to: str = "", who_may: Permission | None = None, only_if: Callable[..., bool] | None = None
) -> Callable[[View], View]: ...


def fresh_authentication(
    view: View | None = None,
    *,
    back_to: str = "",
    who_may: Permission | None = None,
    only_if: Callable[..., bool] | None = None,
) -> View | Callable[[View], View]:
    """Let a view be reached only by a session that is fresh, and send others to confirm that it is they.

    Args:
        back_to: the name of the page that holds the form, for a view that takes POST only. It takes some of the
            view's parameters, or none.
        who_may: ask only those with this permission; the view refuses the others, or has nothing in it for them to do.
        only_if: takes the view's parameters, and says whether the act is one of these at all.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapper(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            page = page_of_form(back_to, kwargs) or request.get_full_path()
            if late_forms.FIELD in request.POST and not (is_fresh(request.session) and late_forms.take(request)):
                # Loaded again: what is posted now is the confirmation, which is nothing to this view.
                return redirect(page)
            if is_fresh(request.session) or (only_if and not only_if(**kwargs)):
                return view(request, *args, **kwargs)
            if who_may and who_may not in permissions_of(cast(User, request.user)):
                return view(request, *args, **kwargs)
            return _ask(request, page)

        wrapper.needs_fresh_authentication = True  # type: ignore[attr-defined]
        wrapper.form_page = back_to  # type: ignore[attr-defined]
        return wrapper

    return decorate if view is None else decorate(view)


def page_of_form(back_to: str, parameters: dict[str, Any]) -> str:
    """Return the address of the page with this name, with as many of the parameters as it takes; "" without a name."""
    if not back_to:
        return ""
    for size in range(len(parameters), 0, -1):
        for names in combinations(parameters, size):
            with contextlib.suppress(NoReverseMatch):
                return reverse(back_to, kwargs={name: parameters[name] for name in names})
    return reverse(back_to)


def _ask(request: HttpRequest, page: str) -> HttpResponse:
    """Send the browser to confirm. A form that came too late is a refusal, and is in the audit log as such."""
    query = {"next": page}
    if request.method not in {"GET", "HEAD"}:
        kept = late_forms.keep(request)
        query |= {late_forms.FIELD: kept} if kept else {"again": "1"}
        route = request.resolver_match.route if request.resolver_match else ""
        details = {"path": f"/{route}"}
        record_refusal("portal.request.refused", actor=actor_of(request), error=ConfirmationNeeded(), details=details)
    return redirect(f"{reverse(CONFIRM_PAGES[Realm(request.session[REALM])])}?{urlencode(query)}")
