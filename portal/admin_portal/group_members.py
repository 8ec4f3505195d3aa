"""Who is in a group: adding people by search or by pasted emails, and taking them out."""

import contextlib
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from portal.actors import actor_of
from portal.admin_portal.group_forms import MemberSearchForm, PasteForm
from portal.admin_portal.groups import TEMPLATES, manage_permission, page_methods
from users.group_list import find_group
from users.groups import Pasted, add_members, add_members_by_email, remove_members
from users.models import Group, GroupMembership
from users.people_list import PeopleFilter, find_people

FOUND = 20


@page_methods
@manage_permission
def add(request: HttpRequest, group: UUID) -> HttpResponse:
    """Search people and choose some; posted, put them into the group."""
    found = find_group(str(group))
    if request.method != "POST":
        return _page(request, found)
    chosen = _chosen(request)
    added = add_members(actor=actor_of(request), group=found, people=chosen)
    if chosen:
        messages.success(request, f"{_people(added)} added to {found.name}{_already(len(chosen) - added)}.")
    else:
        messages.warning(request, "Nobody was chosen: tick the people whom you mean.")
    return redirect(request.get_full_path())


@require_POST
@manage_permission
def paste(request: HttpRequest, group: UUID) -> HttpResponse:
    """Put everybody into the group whose email was pasted; keep in the box what is nobody's."""
    found, form = find_group(str(group)), PasteForm(request.POST)
    if not form.is_valid():
        return _page(request, found, paste_form=form, status=422)
    result = add_members_by_email(actor=actor_of(request), group=found, text=form.cleaned_data["emails"])
    if not result.unknown:
        messages.success(request, f"{_people(result.added)} added to {found.name}{_already(result.already)}.")
        return redirect("admin_portal:group", group=found.pk)
    return _page(request, found, paste_form=PasteForm.holding(result.unknown), result=result)


@require_POST
@manage_permission
def remove(request: HttpRequest, group: UUID) -> HttpResponse:
    """Take the people out of the group who were ticked."""
    found, chosen = find_group(str(group)), _chosen(request)
    removed = remove_members(actor=actor_of(request), group=found, people=chosen)
    if chosen:
        messages.success(request, f"{_people(removed)} removed from {found.name}.")
    else:
        messages.warning(request, "Nobody was chosen: tick the members whom you mean.")
    return redirect("admin_portal:group", group=found.pk)


def _page(
    request: HttpRequest,
    group: Group,
    *,
    paste_form: PasteForm | None = None,
    result: Pasted | None = None,
    status: int = 200,
) -> HttpResponse:
    form = MemberSearchForm(request.GET)
    search = form.cleaned_data["search"] if form.is_valid() else ""
    context: dict[str, Any] = {
        "group": group,
        "form": form,
        "search": search,
        "people": _found(group, search) if search.strip() else [],
        "paste_form": paste_form or PasteForm(),
        "result": result,
        "added_words": _people(result.added) if result else "",
    }
    return render(request, f"{TEMPLATES}add_members.html", context, status=status)


def _found(group: Group, search: str) -> list[tuple[Any, bool]]:
    """Return the first people whom a search finds, each with whether she is a member already."""
    people = find_people(PeopleFilter(search=search), limit=FOUND).rows
    members = set(GroupMembership.objects.filter(group=group, person__in=people).values_list("person_id", flat=True))
    return [(person, person.pk in members) for person in people]


def _chosen(request: HttpRequest) -> list[UUID]:
    chosen = []
    for text in request.POST.getlist("person"):
        with contextlib.suppress(ValueError):
            chosen.append(UUID(text))
    return chosen


def _people(number: int) -> str:
    return f"{number:,} {'person was' if number == 1 else 'people were'}"


def _already(number: int) -> str:
    return f"; {number:,} {'was' if number == 1 else 'were'} in it already" if number else ""
