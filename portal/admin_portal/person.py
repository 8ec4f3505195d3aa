"""USER MANAGEMENT > Users > one of them: details, sign-in, activity. Sessions are with the other lists of them."""

from typing import Any, cast
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from idp.pending_reasons import explain
from idp.person_facts import accounts_of, pending_links_naming, way_of
from idp.queries import password_owner
from portal.admin_portal.access import permission_required
from portal.admin_portal.people_forms import ChooseGroupForm
from users.activity import recent_events
from users.factors import factors_of
from users.group_list import groups_of
from users.lockout import lockout_of
from users.models import Group, State, User
from users.people import permission_to_manage
from users.permissions import Permission, permissions_of
from users.schedules import TO_CANCEL
from users.services import find_person
from users.session_list import permission_over

TEMPLATES = "admin_portal/person/"
GROUPS_OFFERED = 200


@require_safe
@permission_required(Permission.VIEW_PEOPLE)
def details(request: HttpRequest, person: UUID) -> HttpResponse:
    """Show all that is known of a person, and the groups."""
    return details_page(request, find_person(str(person)))


@require_safe
@permission_required(Permission.VIEW_PEOPLE)
def sign_in(request: HttpRequest, person: UUID) -> HttpResponse:
    """Show how a person signs in, with which accounts, and what stands in the way."""
    owner = find_person(str(person))
    context = {
        "way": way_of(owner),
        "accounts": accounts_of(owner),
        "pending": [(row, explain(row.reason, row.facts)) for row in pending_links_naming(owner)],
        "lockout": lockout_of(owner),
        "password_owner": password_owner(owner),
        "factors": factors_of(owner),
        **person_context(request, owner, "Sign-in"),
    }
    return render(request, f"{TEMPLATES}sign_in.html", context)


@require_safe
@permission_required(Permission.VIEW_AUDIT)
def activity(request: HttpRequest, person: UUID) -> HttpResponse:
    """Show the newest audit rows by and about a person."""
    owner = find_person(str(person))
    context = {"events": recent_events(owner), **person_context(request, owner, "Activity")}
    return render(request, f"{TEMPLATES}activity.html", context)


def details_page(
    request: HttpRequest, owner: User, *, form: forms.Form | None = None, status: int = 200
) -> HttpResponse:
    """Return the first page of a person.

    Args:
        form: for the group to add, where it came back with an error.
    """
    context = {
        "groups": groups_of(owner),
        "group_form": form or ChooseGroupForm(),
        "group_names": Group.objects.order_by("name").values_list("name", flat=True)[:GROUPS_OFFERED],
        **person_context(request, owner, "Details"),
    }
    return render(request, f"{TEMPLATES}details.html", context, status=status)


def person_context(request: HttpRequest, owner: User, tab: str) -> dict[str, Any]:
    """Return what every page of a person shows: who it is, the state, and what the administrator may do."""
    return {"owner": owner, "tab": tab, "may": may_with(cast(User, request.user), owner)}


def may_with(administrator: User, owner: User) -> dict[str, bool]:
    """Return which acts on a person this administrator's role covers; the services look again."""
    allowed = permissions_of(administrator)
    manage, support = permission_to_manage(owner) in allowed, permission_over(owner) in allowed
    state, scheduled = (
        owner.effective_state,
        owner.scheduled_state if owner.scheduled_state != owner.effective_state else None,
    )
    return {
        "manage": manage,
        "support": support,
        "groups": Permission.MANAGE_PEOPLE in allowed,
        "suspend": support and state != State.SUSPENDED and administrator.pk != owner.pk,
        "activate": manage and state != State.ACTIVE,
        "unschedule": bool(scheduled) and TO_CANCEL[State(scheduled)] in allowed if scheduled else False,
        "delete": manage and administrator.pk != owner.pk,
    }
