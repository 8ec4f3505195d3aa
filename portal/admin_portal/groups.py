"""USER MANAGEMENT > User Groups: the list, one group with its members, and changing it."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.forms import show_on_form
from portal.admin_portal.group_forms import GroupFilterForm, GroupForm, MemberSearchForm
from portal.admin_portal.person_forms import ConfirmForm
from users.errors import DirectoryError
from users.group_errors import GroupChangedMeanwhile, GroupNotFound
from users.group_list import COUNTED, count_members, find_group, find_groups, members_in_words
from users.group_uses import uses_of
from users.groups import add_group, delete_group, edit_group
from users.impact import Line
from users.models import Group
from users.people_list import PeopleFilter, find_people
from users.permissions import Permission, permissions_of

TEMPLATES = "admin_portal/groups/"
page_methods = require_http_methods(["GET", "HEAD", "POST"])
view_permission = permission_required(Permission.VIEW_PEOPLE)
manage_permission = permission_required(Permission.MANAGE_PEOPLE)


@require_safe
@view_permission
def index(request: HttpRequest) -> HttpResponse:
    """List the groups."""
    form = GroupFilterForm(request.GET)
    filters = {name: value for name, value in form.cleaned_data.items() if value} if form.is_valid() else {}
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    page = find_groups(**filters, after=after, before=before)
    # A filter that cannot be meant finds nothing, rather than everything.
    rows = page.rows if form.is_valid() else []
    context = {
        "form": form,
        "filters": filters or not form.is_valid(),
        "groups": [(group, members_in_words(group.members)) for group in rows],  # type: ignore[attr-defined]
        "may_manage": may_manage(request),
        **page_links(page, filters, is_first=not (after or before)),
    }
    return render(request, f"{TEMPLATES}index.html", context)


@page_methods
@manage_permission
def add(request: HttpRequest) -> HttpResponse:
    """Create a group."""
    form = GroupForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        name, description = form.cleaned_data["name"], form.cleaned_data["description"]
        try:
            group = add_group(actor=actor_of(request), name=name, description=description)
        except DirectoryError as error:
            show_on_form(form, error)
        else:
            messages.success(request, f"{group.name} was created. Now add its members.")
            return redirect("admin_portal:add_group_members", group=group.pk)
    return render(request, f"{TEMPLATES}form.html", {"form": form}, status=422 if form.is_bound else 200)


@page_methods
@manage_permission
def edit(request: HttpRequest, group: UUID) -> HttpResponse:
    """Change the name and description of a group."""
    found = find_group(str(group))
    form = GroupForm(request.POST) if request.method == "POST" else GroupForm.of(found)
    context: dict[str, Any] = {"form": form, "group": found}
    status = 422 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        try:
            edited = edit_group(actor=actor_of(request), group=found, **form.cleaned_data)
        except GroupChangedMeanwhile as error:
            status, context = error.http_status, _compared(request, find_group(str(group)), error)
        except GroupNotFound:
            raise
        except DirectoryError as error:
            show_on_form(form, error)
        else:
            messages.success(request, f"{edited.name} was saved.")
            return redirect("admin_portal:group", group=found.pk)
    return render(request, f"{TEMPLATES}form.html", context, status=status)


def _compared(request: HttpRequest, stored: Group, error: DirectoryError) -> dict[str, Any]:
    """Return the form as it was typed, with what is stored now; saving again replaces it."""
    typed = request.POST.copy()
    typed["seen"] = stored.updated_at.isoformat()
    return {"form": GroupForm(typed), "group": stored, "error": error}


@require_safe
@view_permission
def show(request: HttpRequest, group: UUID) -> HttpResponse:
    """Show a group and its members."""
    found = find_group(str(group))
    form = MemberSearchForm(request.GET)
    search = form.cleaned_data["search"] if form.is_valid() else ""
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    page = find_people(PeopleFilter(search=search, group=found.pk), after=after, before=before)
    members = count_members(found)
    context = {
        "group": found,
        "form": form,
        "search": search,
        "members": members,
        "members_words": members_in_words(members),
        "people": page.rows,
        "may_manage": may_manage(request),
        **page_links(page, {"search": search} if search else {}, is_first=not (after or before)),
    }
    return render(request, f"{TEMPLATES}show.html", context)


@page_methods
@manage_permission
def delete(request: HttpRequest, group: UUID) -> HttpResponse:
    """Show what a deletion changes; confirmed, delete the group."""
    found = find_group(str(group))
    form = ConfirmForm(request.POST if request.method == "POST" else None, label=f"Type {found.name}")
    status = 200
    if form.is_bound and form.is_valid():
        try:
            removed = delete_group(actor=actor_of(request), group=found, **form.cleaned_data)
        except GroupNotFound:
            raise
        except DirectoryError as error:
            show_on_form(form, error)
            status = error.http_status
        else:
            messages.success(request, f"{found.name} was deleted. It had {members_in_words(removed)}.")
            return redirect("admin_portal:groups")
    context = {"group": found, "form": form, "lines": _impact(found), "uses": uses_of(found)}
    return render(request, f"{TEMPLATES}delete.html", context, status=status)


def _impact(group: Group) -> list[Line]:
    members = count_members(group)
    names = tuple(person.label for person in find_people(PeopleFilter(group=group.pk), limit=5).rows)
    more = " or more" if members > COUNTED else ""
    text = f"{'person is' if members == 1 else f'people{more} are'} not in it any more; they stay in the directory"
    return [Line(min(members, COUNTED), text, "warning", names)]


def may_manage(request: HttpRequest) -> bool:
    """Return whether the administrator at hand may change groups."""
    return Permission.MANAGE_PEOPLE in permissions_of(request.user)  # type: ignore[arg-type]


def page_links(page: Any, kept: dict[str, str], *, is_first: bool) -> dict[str, str]:
    """Return the links to other pages of a list, which keep the search."""
    return {
        "first_url": "" if is_first else f"?{urlencode(kept)}",
        "previous_url": f"?{urlencode({**kept, 'before': page.previous})}" if page.previous else "",
        "next_url": f"?{urlencode({**kept, 'after': page.next})}" if page.next else "",
    }
