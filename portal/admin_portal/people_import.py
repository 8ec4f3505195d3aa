"""Users > Import: upload a file, look at what it would change, and follow it while it is written."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.forms import show_on_form
from portal.admin_portal.people_import_forms import UploadForm
from users.csv_safety import safe_line
from users.default_states import default_state
from users.errors import DirectoryError
from users.import_errors import ImportPeopleChanged
from users.import_steps import is_one_transaction
from users.import_store import problems_after, problems_of
from users.models import ImportMode, ImportStatus, PeopleImport, Source
from users.models.imports import ROWS_IN_CHUNK
from users.people_csv import COLUMNS, MAX_BYTES, MAX_ROWS
from users.people_csv import template as header_of_all_columns
from users.people_import import (
    advance_import,
    confirm_import,
    discard_import,
    find_import,
    imports_of,
    upload_people,
)
from users.permissions import Permission

manage_permission = permission_required(Permission.MANAGE_PEOPLE)
TEMPLATES = "admin_portal/people_import/"
PAGE_SIZE = 30
NEEDED = {"company_email": "Required. Says whom the row is about; an import never changes it."}
NOTES = {
    "user_name": "Proposed from the email for new people where it is empty.",
    "display_name": "Given and family name together for new people where it is empty.",
    "state": "staged, active or suspended. SETTINGS > Organization says how new people begin where it is empty.",
    "external_id": "The object ID at the identity provider, for the first federated sign-in.",
    "groups": "Groups that the person comes into, separated by |. They must exist. Nobody leaves a group.",
}
LABELS = {
    ImportStatus.CHECKING: "Checking every row",
    ImportStatus.VERIFYING: "Looking once more whether people changed",
    ImportStatus.WRITING: "Importing",
    ImportStatus.UNDOING: "Somebody changed people meanwhile: undoing what was written",
}


@require_http_methods(["GET", "HEAD", "POST"])
@manage_permission
def index(request: HttpRequest) -> HttpResponse:
    """Explain the format, and take a file."""
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    actor = actor_of(request)
    if form.is_bound and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            found = upload_people(actor=actor, file_name=file.name, content=file.read(MAX_BYTES + 1))
            return redirect("admin_portal:people_import", people_import=found.pk)
        except DirectoryError as error:
            show_on_form(form, error)
    columns = [(name, others, NEEDED.get(name) or NOTES.get(name, "")) for name, others in COLUMNS.items()]
    limits = {"megabytes": MAX_BYTES // 1024 // 1024, "most_rows": MAX_ROWS}
    context = {"form": form, "columns": columns, "imports": imports_of(actor), **limits}
    return render(request, f"{TEMPLATES}index.html", context, status=422 if form.errors else 200)


@require_safe
@manage_permission
def template(request: HttpRequest) -> HttpResponse:
    """Download a file with all columns and no people."""
    return _download(header_of_all_columns(), "people-template.csv")


@require_safe
@manage_permission
def show(request: HttpRequest, people_import: UUID) -> HttpResponse:
    """Show an import where it is: its progress, its preview or its result."""
    found = find_import(actor_of(request), people_import)
    context: dict[str, Any] = {"import": found, "ImportMode": ImportMode}
    if found.is_under_way:
        return render(
            request, f"{TEMPLATES}progress.html", {**context, **progress_of(found), "rows_at_once": ROWS_IN_CHUNK}
        )
    rows, following = problems_after(found, request.GET.get("after", ""), limit=PAGE_SIZE)
    context["problems"] = [(row, found.headings.get(row.field, row.field)) for row in rows]
    context["next_url"] = f"?after={following}#problems" if following else ""
    context["first_url"] = "?#problems" if request.GET.get("after") else ""
    context |= {"samples": _samples(found), "default_state": default_state(Source.IMPORT)}
    page = "result.html" if found.status == ImportStatus.DONE else "preview.html"
    return render(request, f"{TEMPLATES}{page}", context)


def _samples(found: PeopleImport) -> list[dict[str, Any]]:
    """Return the first changes, with the columns as the file calls them."""
    return [
        {**sample, "changes": [[found.headings.get(name, name), *values] for name, *values in sample["changes"]]}
        for sample in found.samples
    ]


@require_POST
@manage_permission
def advance(request: HttpRequest, people_import: UUID) -> HttpResponse:
    """Go on with the work for about two seconds: a script asks for JSON, and everybody else presses the button."""
    actor = actor_of(request)
    found = find_import(actor, people_import)
    try:
        found = advance_import(actor=actor, people_import=found)
    except ImportPeopleChanged as error:
        messages.error(request, f"{error.message} {error.hint}")
        found = find_import(actor, people_import)
    if request.accepts("text/html"):
        return redirect("admin_portal:people_import", people_import=found.pk)
    url = "" if found.is_under_way else reverse("admin_portal:people_import", args=[found.pk])
    return JsonResponse({**progress_of(found), "url": url})


def progress_of(found: PeopleImport) -> dict[str, Any]:
    """Return how far an import is, for the bar and in words."""
    if not found.is_under_way:
        return {"label": "", "value": found.read, "maximum": found.read, "text": "Done"}
    label = LABELS[ImportStatus(found.status)]
    if is_one_transaction(found):
        return {"label": label, "value": None, "maximum": None, "text": f"{found.read:,} rows in one go, or none"}
    done = found.read - found.done_rows if found.status == ImportStatus.UNDOING else found.done_rows
    text = f"{done:,} of {found.read:,} rows"
    return {"label": label, "value": done, "maximum": found.read or None, "text": text}


@require_POST
@manage_permission
def confirm(request: HttpRequest, people_import: UUID) -> HttpResponse:
    """Begin to write."""
    actor = actor_of(request)
    found = find_import(actor, people_import)
    mode = ImportMode.GOOD if request.POST.get("mode") == ImportMode.GOOD else ImportMode.ALL
    confirm_import(actor=actor, people_import=found, mode=mode)
    return redirect("admin_portal:people_import", people_import=people_import)


@require_POST
@manage_permission
def discard(request: HttpRequest, people_import: UUID) -> HttpResponse:
    """Forget a file."""
    actor = actor_of(request)
    found = find_import(actor, people_import)
    discard_import(actor=actor, people_import=found)
    messages.success(request, f"{found.file_name} is forgotten.")
    return redirect("admin_portal:import_people")


@require_safe
@manage_permission
def problems(request: HttpRequest, people_import: UUID) -> HttpResponse:
    """Download all problems of a file."""
    found = find_import(actor_of(request), people_import)
    return _download(_problem_lines(found), "import-problems.csv")


def _problem_lines(found: PeopleImport) -> Iterator[str]:
    columns = ("line", "label", "field", "code", "reason")
    yield "\ufeffline,company_email,field,code,reason\r\n"
    for row in problems_of(found).values_list(*columns).iterator(chunk_size=1000):
        yield safe_line(row)


def _download(lines: str | Iterator[str], name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    kind = HttpResponse if isinstance(lines, str) else StreamingHttpResponse
    return kind(lines, content_type="text/csv; charset=utf-8", headers=headers)  # type: ignore[return-value]
