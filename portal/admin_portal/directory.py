"""INSIGHTS > Directory: the audit log, as a list, event by event, and as a file."""

from itertools import islice
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.directory_forms import DirectoryFilterForm, ExportForm, SaveFilterForm
from portal.admin_portal.forms import show_on_form
from portal.charts import chart_of_events
from portal.errors import RequestMalformed
from users.audit_counts import count_events
from users.audit_errors import EventNotFound
from users.audit_export import CONTENT_TYPES, ExportFormat, export_events
from users.audit_filter import RANGE_WORDS, AuditFilter
from users.audit_log import PAGE_SIZE, actions, find_events
from users.errors import DirectoryError
from users.models import AuditEvent, Organization, User
from users.permissions import Permission, permissions_of
from users.saved_filters import delete_filter, filter_of, filters_for, save_filter


@require_safe
@permission_required(Permission.VIEW_AUDIT)
def index(request: HttpRequest) -> HttpResponse:
    """List the audit rows, newest first. Pages by key, so that page 1,000 costs what page 1 does."""
    return _page(request, DirectoryFilterForm(request.GET), before=_number(request.GET.get("before")))


@require_safe
@permission_required(Permission.VIEW_AUDIT)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show everything that is known of one event."""
    event = AuditEvent.objects.filter(pk=pk).first()
    if event is None:
        raise EventNotFound()
    keys = {str(event.actor_id)} if event.actor_id else set()
    keys |= {event.target_id} if event.target_type == "user" else set()
    may_view = Permission.VIEW_PEOPLE in permissions_of(cast(User, request.user))
    same = AuditEvent.objects.filter(request_id=event.request_id).exclude(pk=event.pk) if event.request_id else None
    context = {
        "event": event,
        "people": list(User.objects.filter(pk__in=keys)) if may_view else [],
        "same_reference": list(same.order_by("-at", "-id")[:PAGE_SIZE]) if same is not None else [],
    }
    return render(request, "admin_portal/directory/event.html", context)


@require_POST
@permission_required(Permission.VIEW_AUDIT)
def export(request: HttpRequest) -> HttpResponseBase:
    """Send the rows that the filter finds as a file. They are fetched while the browser reads."""
    form = ExportForm(request.POST)
    if not form.is_valid():
        raise RequestMalformed()
    kind = ExportFormat(form.cleaned_data["format"])
    pieces = export_events(actor=actor_of(request), wanted=_filter_in(request.POST).wanted(), form=kind)
    response = StreamingHttpResponse(pieces, content_type=CONTENT_TYPES[kind])
    name = f"gatehouse-audit-{timezone.now():%Y-%m-%d}.{kind.value}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Accel-Buffering"] = "no"  # a proxy would otherwise gather the whole file first
    return response


@require_POST
@permission_required(Permission.VIEW_AUDIT)
def save(request: HttpRequest) -> HttpResponse:
    """Keep the filter at hand under a name."""
    filter_form, form = _filter_in(request.POST), SaveFilterForm(request.POST)
    if form.is_valid():
        try:
            saved = save_filter(actor=actor_of(request), wanted=filter_form.wanted(), **form.cleaned_data)
        except DirectoryError as error:
            show_on_form(form, error)
        else:
            messages.success(request, f"The filter {saved.name} was saved.")
            return redirect(_url(filter_of(saved)))
    return _page(request, filter_form, save_form=form, status=422)


@require_POST
@permission_required(Permission.VIEW_AUDIT)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a saved filter."""
    name = delete_filter(actor=actor_of(request), pk=pk)
    messages.success(request, f"The filter {name} was deleted.")
    return redirect("admin_portal:directory")


def _page(
    request: HttpRequest,
    form: DirectoryFilterForm,
    *,
    before: int | None = None,
    save_form: SaveFilterForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Return the list. A filter that cannot be meant finds nothing, rather than everything."""
    wanted, is_valid = form.wanted(), form.is_valid()
    rows = list(islice(find_events(wanted, before=before, batch=PAGE_SIZE + 1), PAGE_SIZE + 1)) if is_valid else []
    page, more = rows[:PAGE_SIZE], len(rows) > PAGE_SIZE
    context = {
        "form": form,
        "save_form": save_form or SaveFilterForm(),
        "filters": wanted or not is_valid,
        "query": wanted.as_query(),
        "ranges": _quick_ranges(wanted),
        "saved": _saved(request, wanted),
        "events": page,
        "actions": actions(),
        "chart": chart_of_events(count_events(wanted, newest=None if before else page[0].at)) if page else None,
        "retention_days": Organization.current().audit_retention_days,
        "next_url": _url(wanted, before=str(page[-1].pk)) if more else "",
        "first_url": _url(wanted) if before else "",
    }
    return render(request, "admin_portal/directory/index.html", context, status=status)


def _filter_in(query: QueryDict) -> DirectoryFilterForm:
    """Return the filter that a form of the page carries along. One that cannot be meant is no request of ours."""
    form = DirectoryFilterForm(query)
    if not form.is_valid():
        raise RequestMalformed()
    return form


def _url(wanted: AuditFilter, **further: str) -> str:
    query = urlencode({**wanted.as_query(), **further})
    return f"{reverse('admin_portal:directory')}?{query}" if query else reverse("admin_portal:directory")


def _quick_ranges(wanted: AuditFilter) -> list[dict[str, Any]]:
    """Return the links that set only the range."""
    rest = {name: value for name, value in wanted.as_query().items() if name not in {"since", "until", "last"}}
    choices = [("", "Any time"), *RANGE_WORDS.items()]
    return [
        {
            "words": words,
            "url": _url(AuditFilter.of({**rest, "last": last})),
            "is_current": last == wanted.last and not (wanted.since or wanted.until),
        }
        for last, words in choices
    ]


def _saved(request: HttpRequest, wanted: AuditFilter) -> list[dict[str, Any]]:
    """Return the saved filters that the administrator sees, and which of them may be deleted."""
    person = cast(User, request.user)
    may_all = Permission.MANAGE_ORGANIZATION in permissions_of(person)
    return [
        {
            "saved": saved,
            "url": _url(filter_of(saved)),
            "is_current": filter_of(saved) == wanted,
            "may_delete": may_all or saved.owner_id == person.pk,
        }
        for saved in filters_for(person)
    ]


def _number(text: str | None) -> int | None:
    """Return a row number, or None for anything that is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
