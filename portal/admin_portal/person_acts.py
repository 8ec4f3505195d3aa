"""What can be done to a person from her page: state, schedule, lock-out, groups, deletion."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from idp.person_facts import impact_of_deletion
from portal.actors import actor_of
from portal.admin_portal.access import fresh_about_administrators, permission_required
from portal.admin_portal.forms import show_on_form
from portal.admin_portal.people_forms import ChooseGroupForm
from portal.admin_portal.person import TEMPLATES, details_page
from portal.admin_portal.person_forms import ConfirmForm, StateForm
from users.errors import DirectoryError, PermissionRefused
from users.group_list import find_group
from users.groups import add_members, remove_members
from users.models import State, User
from users.people import delete_person, permission_to_manage
from users.permissions import Permission
from users.schedules import cancel_schedule, schedule_state
from users.services import activate_person, find_person, require, suspend_person, unlock_person
from users.session_list import permission_over

page_methods = require_http_methods(["GET", "HEAD", "POST"])
SERVICES = {State.SUSPENDED: suspend_person, State.ACTIVE: activate_person}


@page_methods
@permission_required(Permission.SUPPORT_PEOPLE)
@fresh_about_administrators()
def suspend(request: HttpRequest, person: UUID) -> HttpResponse:
    """Ask for a reason and perhaps a date, then refuse the person every sign-in."""
    owner = find_person(str(person))
    require(actor_of(request), permission_over(owner))
    return _state_page(request, owner, State.SUSPENDED)


@page_methods
@permission_required(Permission.MANAGE_PEOPLE)
@fresh_about_administrators()
def activate(request: HttpRequest, person: UUID) -> HttpResponse:
    """Ask for a reason and perhaps a date, then let the person sign in."""
    owner = find_person(str(person))
    require(actor_of(request), permission_to_manage(owner))
    return _state_page(request, owner, State.ACTIVE)


def _state_page(request: HttpRequest, owner: User, state: State) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    form = StateForm(data, state=state, may_schedule=owner.admin_role is None)
    status = 422 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        try:
            _set_state(request, owner, state, form)
        except PermissionRefused:
            raise
        except DirectoryError as error:
            show_on_form(form, error)
            status = error.http_status
        else:
            return redirect("admin_portal:person", person=owner.pk)
    context = {"owner": owner, "form": form, "state": state.value}
    return render(request, f"{TEMPLATES}state.html", context, status=status)


def _set_state(request: HttpRequest, owner: User, state: State, form: StateForm) -> None:
    actor, reason, at = actor_of(request), form.cleaned_data["reason"], form.cleaned_data.get("at")
    if at is None:
        SERVICES[state](actor=actor, person=owner, reason=reason)
        messages.success(request, f"{owner.label} is {state.label.lower()} now.")
    else:
        schedule_state(actor=actor, person=owner, state=state, at=at, reason=reason)
        messages.success(request, f"{owner.label} will be {state.label.lower()} on {at:%-d %B %Y, %H:%M} UTC.")


@require_POST
@permission_required(Permission.SUPPORT_PEOPLE)
def unschedule(request: HttpRequest, person: UUID) -> HttpResponse:
    """Cancel the change of state that is to come."""
    owner = cancel_schedule(actor=actor_of(request), person=find_person(str(person)))
    messages.success(request, f"Nothing is scheduled for {owner.label} any more.")
    return redirect("admin_portal:person", person=owner.pk)


@require_POST
@permission_required(Permission.SUPPORT_PEOPLE)
def unlock(request: HttpRequest, person: UUID) -> HttpResponse:
    """Forget the failed sign-ins."""
    owner = find_person(str(person))
    failures = unlock_person(actor=actor_of(request), person=owner)
    count = f"{failures} failed sign-in{'' if failures == 1 else 's'}"
    messages.success(request, f"{owner.label} can try again: {count} forgotten.")
    return redirect("admin_portal:person_sign_in", person=owner.pk)


@page_methods
@permission_required(Permission.MANAGE_PEOPLE)
@fresh_about_administrators()
def delete(request: HttpRequest, person: UUID) -> HttpResponse:
    """Show what a deletion takes; with the company email typed, delete the person."""
    owner = find_person(str(person))
    require(actor_of(request), permission_to_manage(owner))
    form = ConfirmForm(request.POST if request.method == "POST" else None, label=f"Type {owner.company_email}")
    status = 200
    if form.is_bound and form.is_valid():
        try:
            delete_person(actor=actor_of(request), person=owner, **form.cleaned_data)
        except PermissionRefused:
            raise
        except DirectoryError as error:
            show_on_form(form, error)
            status = error.http_status
        else:
            messages.success(request, f"{owner.label} was deleted.")
            return redirect("admin_portal:people")
    context = {"owner": owner, "form": form, "impact": impact_of_deletion(owner)}
    return render(request, f"{TEMPLATES}delete.html", context, status=status)


@require_POST
@permission_required(Permission.MANAGE_PEOPLE)
def add_to_group(request: HttpRequest, person: UUID) -> HttpResponse:
    """Put the person into a group, which is named."""
    owner, form = find_person(str(person)), ChooseGroupForm(request.POST)
    if not form.is_valid():
        return details_page(request, owner, form=form, status=422)
    group = form.cleaned_data["group"]
    added = add_members(actor=actor_of(request), group=group, people=[owner.pk])
    messages.success(request, f"{owner.label} is in {group.name}{'' if added else ' already'}.")
    return redirect("admin_portal:person", person=owner.pk)


@require_POST
@permission_required(Permission.MANAGE_PEOPLE)
def remove_from_group(request: HttpRequest, person: UUID, group: UUID) -> HttpResponse:
    """Take the person out of a group."""
    owner, found = find_person(str(person)), find_group(str(group))
    remove_members(actor=actor_of(request), group=found, people=[owner.pk])
    messages.success(request, f"{owner.label} is not in {found.name} any more.")
    return redirect("admin_portal:person", person=owner.pk)
