"""INSIGHTS > Sessions: who is signed in where; a person's sessions; and the administrator's own."""

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.forms import SessionFilterForm
from portal.admin_portal.person import person_context
from portal.admin_portal.sign_in import sign_out
from portal.session_rows import session_page
from users.errors import SessionNotFound
from users.models import User
from users.permissions import Permission
from users.services import find_person
from users.session_list import end_session, end_sessions_of
from users.sessions import hashed

OWN_PAGE, LIST_PAGE = "admin_portal:own_sessions", "admin_portal:sessions"


@require_safe
@permission_required(Permission.VIEW_PEOPLE)
def index(request: HttpRequest) -> HttpResponse:
    """List everybody's live sessions, the newest sign-in first."""
    form = SessionFilterForm(request.GET)
    email = form.cleaned_data["email"] if form.is_valid() else ""
    page = session_page(request, email=email, kept={"email": email})
    return render(request, "admin_portal/sessions/index.html", {"form": form, "email": email, **page})


@require_safe
@permission_required(Permission.VIEW_PEOPLE)
def of_person(request: HttpRequest, person: UUID) -> HttpResponse:
    """List one person's live sessions."""
    owner = find_person(str(person))
    context = {**person_context(request, owner, "Sessions"), **session_page(request, person=owner)}
    return render(request, "admin_portal/sessions/of_person.html", context)


@require_safe
@permission_required(Permission.OPEN_ADMIN_PORTAL)
def own(request: HttpRequest) -> HttpResponse:
    """List the administrator's own live sessions, in both portals."""
    person = cast(User, request.user)
    return render(request, "admin_portal/sessions/own.html", session_page(request, person=person, own=True))


@require_POST
@permission_required(Permission.SUPPORT_PEOPLE)
def end_one(request: HttpRequest, key: str) -> HttpResponse:
    """End one session of somebody; the service looks whether it is an administrator's."""
    if _is_this(request, key):
        return sign_out(request)
    try:
        ended = end_session(actor=actor_of(request), key=key)
    except SessionNotFound as error:
        messages.info(request, error.message)
        return redirect(LIST_PAGE)
    label = ended.person.label if ended.person else ""
    messages.success(request, f"That session of {label} was ended.")
    return redirect("admin_portal:person_sessions", person=ended.person_id)


@require_POST
@permission_required(Permission.SUPPORT_PEOPLE)
def end_all_of_person(request: HttpRequest, person: UUID) -> HttpResponse:
    """End all sessions of somebody. One's own session at hand stays: that is what signing out is for."""
    owner = find_person(str(person))
    keep = request.session.session_key if owner == request.user else None
    ended = end_sessions_of(actor=actor_of(request), person=owner, keep_key=keep)
    messages.success(request, f"{_counted(ended)} of {owner.label} ended.")
    return redirect("admin_portal:person_sessions", person=owner.pk)


@require_POST
@permission_required(Permission.OPEN_ADMIN_PORTAL)
def end_own(request: HttpRequest, key: str) -> HttpResponse:
    """End one of the administrator's own sessions. Ending this one is signing out."""
    if _is_this(request, key):
        return sign_out(request)
    try:
        end_session(actor=actor_of(request), key=key, person=cast(User, request.user))
    except SessionNotFound as error:
        messages.info(request, error.message)
    else:
        messages.success(request, "That session was ended.")
    return redirect(OWN_PAGE)


@require_POST
@permission_required(Permission.OPEN_ADMIN_PORTAL)
def end_own_others(request: HttpRequest) -> HttpResponse:
    """End all of the administrator's own sessions but this one."""
    messages.success(request, f"{_counted(_end_others(request))} ended.")
    return redirect(OWN_PAGE)


@require_POST
@permission_required(Permission.OPEN_ADMIN_PORTAL)
def end_own_all(request: HttpRequest) -> HttpResponse:
    """End all of the administrator's own sessions, this one too."""
    _end_others(request)
    return sign_out(request)


def _end_others(request: HttpRequest) -> int:
    keep = request.session.session_key
    return end_sessions_of(actor=actor_of(request), person=cast(User, request.user), keep_key=keep)


def _is_this(request: HttpRequest, key: str) -> bool:
    return key == hashed(request.session.session_key or "")


def _counted(number: int) -> str:
    return f"{number} session{'' if number == 1 else 's'}"
