"""Identity Providers > one of them > People and links: who is linked, who came and was not, and what to do about it."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from idp import link_queries, links, pending_links
from idp.models import FederatedIdentity, IdentityProvider, PendingLink
from idp.pending_reasons import explain, suggested
from idp.queries import find_provider
from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.forms import show_on_form
from portal.admin_portal.link_forms import LinkFilterForm, PersonForm, PreLinkForm
from portal.fresh import fresh_authentication
from users.errors import DirectoryError, PersonNotFound
from users.models import User
from users.permissions import Permission
from users.services import find_person
from users.sessions import live_sessions

view_permission = permission_required(Permission.VIEW_IDENTITY_PROVIDERS)
manage_permission = permission_required(Permission.MANAGE_IDENTITY_PROVIDERS)
page_methods = require_http_methods(["GET", "HEAD", "POST"])
TEMPLATES = "admin_portal/identity_providers/"
PENDING_PAGE_SIZE = 10


@require_safe
@view_permission
def index(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the accounts that wait for a link, and the links that there are."""
    provider = find_provider(str(pk))
    form = LinkFilterForm(request.GET)
    filters = {name: value for name, value in form.cleaned_data.items() if value} if form.is_valid() else {}
    context = {
        "provider": provider,
        "form": form,
        "filters": filters,
        "summary": link_queries.summary_of(provider),
        **_pending_context(request, provider),
        **_links_context(request, provider, filters, is_valid=form.is_valid()),
    }
    return render(request, f"{TEMPLATES}links.html", context)


def _pending_context(request: HttpRequest, provider: IdentityProvider) -> dict[str, Any]:
    dismissed, after = request.GET.get("pending") == "dismissed", request.GET.get("pending_after", "")
    page, following = link_queries.pending_page(provider, dismissed=dismissed, after=after, limit=PENDING_PAGE_SIZE)
    shown = {"pending": "dismissed"} if dismissed else {}
    return {
        "pending": [(row, explain(row.reason, row.facts)) for row in page],
        "dismissed": dismissed,
        "dismissed_count": pending_links.pending_of(provider, dismissed=True).count(),
        "pending_next_url": f"?{urlencode({**shown, 'pending_after': following})}" if following else "",
        "pending_first_url": f"?{urlencode(shown)}" if after else "",
    }


def _links_context(
    request: HttpRequest, provider: IdentityProvider, filters: dict[str, Any], *, is_valid: bool
) -> dict[str, Any]:
    after = request.GET.get("after", "")
    # A filter that cannot be meant finds nothing, rather than everything.
    page = link_queries.links_of(provider, **filters, after=after) if is_valid else link_queries.Page([], "")
    return {
        "links": [
            (link, links.object_id_of(provider, link.subject), link_queries.RULES.get(link.rule, ""))
            for link in page.rows
        ],
        "next_url": f"?{urlencode({**filters, 'after': page.next})}" if page.next else "",
        "first_url": f"?{urlencode(filters)}" if after else "",
    }


@page_methods
@manage_permission
@fresh_authentication
def resolve(request: HttpRequest, pk: UUID, pending: UUID) -> HttpResponse:
    """Choose the person behind an account that was not matched, see who that is, and link them."""
    provider = find_provider(str(pk))
    waiting = pending_links.find_pending(provider, pending)
    form = PersonForm(request.GET if "person" in request.GET else {"person": suggested(waiting.facts)})
    if request.method == "POST":
        form = PersonForm(request.POST)
        try:
            link = links.link_pending(
                actor=actor_of(request), provider=provider, pending=waiting, person=_posted_person(request)
            )
        except DirectoryError as error:
            return _choice_page(request, provider, form, waiting.subject, pending=waiting, error=error)
        return _linked(request, link)
    return _choice_page(request, provider, form, waiting.subject, pending=waiting)


@page_methods
@manage_permission
@fresh_authentication
def pre_link(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Link a person to an account by its ID, before she signs in for the first time."""
    provider, error = find_provider(str(pk)), None
    given = request.POST if request.method == "POST" else request.GET if "person" in request.GET else None
    form = PreLinkForm(given, entra=provider.is_entra)
    subject = _subject_in(form, provider)
    if request.method == "POST" and subject:
        try:
            link = links.pre_link_person(
                actor=actor_of(request), provider=provider, person=_posted_person(request), object_id=subject
            )
        except DirectoryError as refused:
            error = refused
        else:
            return _linked(request, link)
    return _choice_page(request, provider, form, subject, error=error)


def _subject_in(form: PreLinkForm, provider: IdentityProvider) -> str:
    """Return the subject that a form means, or "" where it means none; then the form says so."""
    if not form.is_valid():
        return ""
    try:
        return links.subject_of(provider, form.cleaned_data["object_id"])
    except DirectoryError as error:
        show_on_form(form, error)
        return ""


def _posted_person(request: HttpRequest) -> User:
    return find_person(request.POST.get("person", ""))


def _linked(request: HttpRequest, link: FederatedIdentity) -> HttpResponse:
    messages.success(request, f"{link.person.label} is linked to this account from now on.")
    return redirect("admin_portal:identity_provider_links", pk=link.provider_id)


def _choice_page(
    request: HttpRequest,
    provider: IdentityProvider,
    form: PersonForm,
    subject: str,
    *,
    pending: PendingLink | None = None,
    error: DirectoryError | None = None,
) -> HttpResponse:
    """Show whom the form means, or several to choose from, or that nobody is meant."""
    person, candidates = None, []  # of (person, url)
    text = form.cleaned_data.get("person", "") if form.is_bound and form.is_valid() else ""
    if text:
        try:
            person = find_person(text)
        except PersonNotFound as unknown:
            query = {} if pending else {"object_id": form.cleaned_data["object_id"]}
            found = link_queries.people_beginning_with(text)
            candidates = [(each, f"?{urlencode({'person': each.pk, **query})}") for each in found]
            if not candidates:
                show_on_form(form, _on_person(unknown))
    if person is not None and subject and error is None:
        error = links.obstacle(provider, subject, person)
    context = {
        "provider": provider,
        "pending": pending,
        "reason": explain(pending.reason, pending.facts) if pending else None,
        # An empty suggestion is no mistake of anybody's.
        "form": form if text or not pending or "person" in request.GET else PersonForm(),
        "object_id": form.data.get("object_id", ""),
        "person": person,
        "subject": subject,
        "candidates": candidates,
        "error": error,
    }
    is_asked = request.method == "POST" or "person" in request.GET
    status = error.http_status if error and request.method == "POST" else 422 if form.errors and is_asked else 200
    return render(request, f"{TEMPLATES}links_choose.html", context, status=status)


def _on_person(error: DirectoryError) -> DirectoryError:
    error.field = "person"
    return error


@require_POST
@manage_permission
@fresh_authentication(back_to="admin_portal:identity_provider_links")
def dismiss(request: HttpRequest, pk: UUID, pending: UUID) -> HttpResponse:
    """Take an account off the list of those that wait."""
    provider = find_provider(str(pk))
    waiting = pending_links.find_pending(provider, pending)
    pending_links.dismiss_pending(actor=actor_of(request), provider=provider, pending=waiting)
    messages.success(request, f"{waiting} was dismissed. It stays off the list when it comes again.")
    return redirect("admin_portal:identity_provider_links", pk=pk)


@require_POST
@manage_permission
@fresh_authentication(back_to="admin_portal:identity_provider_links")
def restore(request: HttpRequest, pk: UUID, pending: UUID) -> HttpResponse:
    """Put a dismissed account back on the list."""
    provider = find_provider(str(pk))
    waiting = pending_links.find_pending(provider, pending)
    pending_links.restore_pending(actor=actor_of(request), provider=provider, pending=waiting)
    messages.success(request, f"{waiting} is on the list again.")
    return redirect("admin_portal:identity_provider_links", pk=pk)


@page_methods
@manage_permission
@fresh_authentication
def unlink(request: HttpRequest, pk: UUID, link: UUID) -> HttpResponse:
    """Show what unlinking a person means; confirmed, do it."""
    provider = find_provider(str(pk))
    found = links.find_link(provider, link)
    if request.method == "POST":
        ended = links.unlink_person(actor=actor_of(request), provider=provider, link=found)
        what = f"{ended} session{'' if ended == 1 else 's'} ended." if ended else "There was no session to end."
        messages.success(request, f"{found.person.label} is not linked any more. {what}")
        return redirect("admin_portal:identity_provider_links", pk=pk)
    open_sessions = live_sessions(provider_id=provider.pk, person=found.person)
    object_id = links.object_id_of(provider, found.subject)
    context = {"provider": provider, "link": found, "object_id": object_id, "open_sessions": open_sessions}
    return render(request, f"{TEMPLATES}links_unlink.html", context)
