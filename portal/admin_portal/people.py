"""USER MANAGEMENT > Users: the list of people."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from portal.admin_portal.access import permission_required
from portal.admin_portal.people_forms import PeopleFilterForm
from users.models import Group, State
from users.people_list import Count, Page, PeopleFilter, counts_by_state, find_people
from users.permissions import Permission, permissions_of
from users.selection import MOST


@require_safe
@permission_required(Permission.VIEW_PEOPLE)
def index(request: HttpRequest) -> HttpResponse:
    """List people: by name unless another order is asked for."""
    form = PeopleFilterForm(request.GET)
    sort = request.GET.get("sort", "name")
    # A filter that cannot be meant finds nobody, rather than everybody.
    is_valid = form.is_valid()
    wanted = form.wanted() if is_valid else PeopleFilter(only=())
    page = find_people(wanted, sort=sort, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    filters = form.chosen() if is_valid else {}
    return render(
        request,
        "admin_portal/people/index.html",
        {
            "form": form,
            "people": page.rows,
            "count_words": in_words(page.count),
            "may_take_all": page.count.is_exact and len(page.rows) < page.count.number <= MOST,
            "sort": sort,
            "filters": filters or not is_valid,
            "filter_query": urlencode(filters),
            "chips": _chips(form, filters, sort),
            "states": _states(filters if is_valid else None),
            "may": _may(request),
            **_links(page, filters, sort, is_first=not (request.GET.get("after") or request.GET.get("before"))),
        },
    )


def _links(page: Page, filters: dict[str, str], sort: str, *, is_first: bool) -> dict[str, str]:
    """Return the links to other pages, which keep the filter and the order."""
    kept = {**filters, **({"sort": sort} if sort != "name" else {})}
    return {
        "first_url": "" if is_first else f"?{urlencode(kept)}",
        "previous_url": f"?{urlencode({**kept, 'before': page.previous})}" if page.previous else "",
        "next_url": f"?{urlencode({**kept, 'after': page.next})}" if page.next else "",
    }


def _chips(form: PeopleFilterForm, filters: dict[str, str], sort: str) -> list[tuple[str, str, str]]:
    """Return the conditions that are set, in words, each with the link that takes it away."""
    chips = []
    for name, value in filters.items():
        others = {key: text for key, text in filters.items() if key != name}
        if sort != "name":
            others["sort"] = sort
        chips.append((*_in_words(form, name, value), f"{reverse('admin_portal:people')}?{urlencode(others)}"))
    return chips


def _in_words(form: PeopleFilterForm, name: str, value: str) -> tuple[str, str]:
    if name == "search":
        return "Search", value
    if name == "group":
        group = Group.objects.filter(pk=value).first()
        return "Group", group.name if group else "deleted"
    field: Any = form.fields[name]
    return str(field.label), str(dict(field.choices)[value])


def _states(filters: dict[str, str] | None) -> list[tuple[str, int, str, bool]]:
    """Return label, number, link and whether it is shown now, of each state: administrators are people as well."""
    counts, url = counts_by_state(role=""), reverse("admin_portal:people")
    tiles = [("All people", sum(counts.values()), url, filters == {})]
    for state in State:
        wanted = {"state": state.value}
        tiles.append((state.label, counts[state.value], f"{url}?{urlencode(wanted)}", filters == wanted))
    return tiles


def _may(request: HttpRequest) -> dict[str, bool]:
    """Return what the administrator at hand may do from the list."""
    allowed = permissions_of(request.user)  # type: ignore[arg-type]
    wanted = {"manage": Permission.MANAGE_PEOPLE, "support": Permission.SUPPORT_PEOPLE}
    return {word: permission in allowed for word, permission in {**wanted, "export": Permission.EXPORT_PEOPLE}.items()}


def in_words(count: Count) -> str:
    """Return a count as a line of text."""
    words = f"{count.number:,} {'person' if count.number == 1 else 'people'}"
    return words if count.is_exact else f"More than {words}"
