"""How a person signs in, where she is signed in now, and what sign-ins there were."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from idp.factor_owners import factor_owner
from idp.queries import password_owner
from idp.routing import offered_providers
from portal.actors import actor_of
from portal.session_rows import session_page
from portal.user_portal.access import person_required
from portal.user_portal.sign_in import sign_out
from users.errors import SessionNotFound
from users.factors import factors_of
from users.models import User
from users.own_sign_ins import recent_sign_ins
from users.session_list import end_session, end_sessions_of
from users.sessions import hashed


@require_safe
@person_required
def security(request: HttpRequest) -> HttpResponse:
    """Show how the person signs in, who keeps the password, the live sessions, and the newest sign-ins."""
    person = cast(User, request.user)
    context = {
        "password_owner": password_owner(person),
        "factor_owner": factor_owner(person),
        "others_owner": " or ".join(provider.name for provider in offered_providers()),
        "factors": factors_of(person),
        "sign_ins": recent_sign_ins(person),
        **session_page(request, person=person, own=True),
    }
    return render(request, "user_portal/security.html", context)


@require_POST
@person_required
def end_one(request: HttpRequest, key: str) -> HttpResponse:
    """End one of the person's sessions. Ending this one is signing out."""
    if key == hashed(request.session.session_key or ""):
        return sign_out(request)
    try:
        end_session(actor=actor_of(request), key=key, person=cast(User, request.user))
    except SessionNotFound as error:
        messages.info(request, error.message)
    else:
        messages.success(request, "That session was ended.")
    return redirect("user_portal:security")


@require_POST
@person_required
def end_others(request: HttpRequest) -> HttpResponse:
    """End all of the person's sessions but this one."""
    keep = request.session.session_key
    ended = end_sessions_of(actor=actor_of(request), person=cast(User, request.user), keep_key=keep)
    messages.success(request, f"{ended} other session{'' if ended == 1 else 's'} ended.")
    return redirect("user_portal:security")


@require_POST
@person_required
def end_all(request: HttpRequest) -> HttpResponse:
    """End all of the person's sessions, this one too, and sign out at the provider."""
    keep = request.session.session_key
    end_sessions_of(actor=actor_of(request), person=cast(User, request.user), keep_key=keep)
    return sign_out(request)
