"""INSIGHTS > Directory: the audit log."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.admin_portal.access import permission_required
from portal.admin_portal.forms import DirectoryFilterForm
from users.audit_log import PAGE_SIZE, actions, find_events
from users.permissions import Permission


@require_safe
@permission_required(Permission.VIEW_AUDIT)
def index(request: HttpRequest) -> HttpResponse:
    """List the audit rows, newest first. Pages by key, so that page 1,000 costs what page 1 does."""
    form = DirectoryFilterForm(request.GET)
    filters = form.cleaned_data if form.is_valid() else {}
    filters = {name: value for name, value in filters.items() if value}
    before = _number(request.GET.get("before"))
    # A filter that cannot be meant finds nothing, rather than everything.
    rows = list(find_events(**filters, before=before)[: PAGE_SIZE + 1]) if form.is_valid() else []
    page, more = rows[:PAGE_SIZE], len(rows) > PAGE_SIZE
    context = {
        "form": form,
        "filters": filters or not form.is_valid(),
        "events": page,
        "actions": actions(),
        "next_url": f"?{urlencode({**filters, 'before': page[-1].pk})}" if more else "",
        "first_url": f"?{urlencode(filters)}" if before else "",
    }
    return render(request, "admin_portal/directory.html", context)


def _number(text: str | None) -> int | None:
    """Return a row number, or None for anything that is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
