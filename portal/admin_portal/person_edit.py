"""USER MANAGEMENT > Users: adding a person, and changing what is known of one."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from idp.claim_queries import keepers_of
from idp.routing import offered_providers
from portal.actors import actor_of
from portal.admin_portal.access import fresh_about_administrators, permission_required
from portal.admin_portal.forms import show_on_form
from portal.admin_portal.person import TEMPLATES
from portal.admin_portal.person_forms import FIELDS, AddPersonForm, EditPersonForm, initial_of, stamp
from users.errors import DirectoryError, PermissionRefused
from users.models import User
from users.people import edit_person, permission_to_manage
from users.people_errors import PersonChangedMeanwhile
from users.permissions import Permission
from users.services import add_person, find_person, require

page_methods = require_http_methods(["GET", "HEAD", "POST"])


@page_methods
@permission_required(Permission.MANAGE_PEOPLE)
def add(request: HttpRequest) -> HttpResponse:
    """Add a person."""
    form = AddPersonForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            person = add_person(actor=actor_of(request), **form.values())
        except DirectoryError as error:
            show_on_form(form, error)
        else:
            messages.success(request, f"{person.label} was added.")
            return redirect("admin_portal:person", person=person.pk)
    context = {"form": form, "providers": [provider.name for provider in offered_providers()]}
    return render(request, f"{TEMPLATES}add.html", context, status=422 if form.is_bound else 200)


@page_methods
@permission_required(Permission.MANAGE_PEOPLE)
@fresh_about_administrators()
def edit(request: HttpRequest, person: UUID) -> HttpResponse:
    """Change what is known of a person."""
    owner = find_person(str(person))
    require(actor_of(request), permission_to_manage(owner))
    form = EditPersonForm(request.POST) if request.method == "POST" else EditPersonForm.of(owner)
    form.say_who_keeps(keepers_of(owner))
    if form.is_bound and form.is_valid():
        try:
            edited = edit_person(actor=actor_of(request), person=owner, **form.values())
        except PersonChangedMeanwhile as error:
            return _compare(request, find_person(str(person)), error)
        except PermissionRefused:
            raise
        except DirectoryError as error:
            show_on_form(form, error)
        else:
            messages.success(request, f"{edited.label} was saved.")
            return redirect("admin_portal:person", person=owner.pk)
    return render(
        request, f"{TEMPLATES}edit.html", {"owner": owner, "form": form}, status=422 if form.is_bound else 200
    )


def _compare(request: HttpRequest, stored: User, error: DirectoryError) -> HttpResponse:
    """Show what was typed beside what is stored now; saving again replaces it, because now it has been seen."""
    typed = request.POST.copy()
    typed["seen"] = stamp(stored.updated_at)
    form = EditPersonForm(typed)
    form.say_who_keeps(keepers_of(stored))
    form.is_valid()
    now = initial_of(stored)
    differing = [(form[name].label, now[name]) for name in FIELDS if form.cleaned_data.get(name, "") != now[name]]
    context = {"owner": stored, "form": form, "error": error, "differing": differing}
    return render(request, f"{TEMPLATES}edit.html", context, status=error.http_status)
