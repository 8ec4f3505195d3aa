"""Acts on many people of the list at once: the impact first, then the act."""

from collections.abc import Callable
from dataclasses import dataclass, field

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.forms import show_on_form
from portal.admin_portal.people_forms import ChooseGroupForm, PeopleFilterForm, SelectionForm, SuspendManyForm
from users import bulk_acts
from users.bulk_acts import BulkAct
from users.errors import DirectoryError
from users.models import Group
from users.people_errors import SelectionChanged, SelectionEmpty, SelectionTooLarge
from users.people_list import PeopleFilter
from users.permissions import Permission
from users.selection import Selection


@dataclass
class Asked:
    """What was posted: by the list's buttons, or by the confirmation."""

    selection: Selection
    form: forms.Form
    fingerprint: str
    ids: list[str] = field(default_factory=list)
    everybody: bool = False

    @property
    def is_confirmed(self) -> bool:
        """Whether it came from the confirmation, and not from the list."""
        return bool(self.fingerprint)

    @property
    def group(self) -> Group | None:
        """The group that was named, if the act needs one."""
        return self.form.cleaned_data.get("group") if self.form.is_valid() else None


@require_POST
@permission_required(Permission.MANAGE_PEOPLE)
def activate(request: HttpRequest) -> HttpResponse:
    """Let many people sign in."""

    def act(asked: Asked) -> str:
        number = bulk_acts.activate_people(
            actor=actor_of(request), selection=asked.selection, fingerprint=asked.fingerprint
        )
        return f"{_people(number)} activated."

    return _bulk(request, BulkAct.ACTIVATE, forms.Form, act)


@require_POST
@permission_required(Permission.SUPPORT_PEOPLE)
def suspend(request: HttpRequest) -> HttpResponse:
    """Refuse many people every sign-in."""

    def act(asked: Asked) -> str:
        given = {"selection": asked.selection, "fingerprint": asked.fingerprint, **asked.form.cleaned_data}
        return f"{_people(bulk_acts.suspend_people(actor=actor_of(request), **given))} suspended."

    return _bulk(request, BulkAct.SUSPEND, SuspendManyForm, act)


@require_POST
@permission_required(Permission.MANAGE_PEOPLE)
def add_to_group(request: HttpRequest) -> HttpResponse:
    """Put many people into a group: first it is named, then confirmed."""

    def act(asked: Asked) -> str:
        group = asked.form.cleaned_data["group"]
        given = {"selection": asked.selection, "fingerprint": asked.fingerprint, "group_id": group.pk}
        return f"{_people(bulk_acts.add_people_to_group(actor=actor_of(request), **given))} added to {group.name}."

    return _bulk(request, BulkAct.ADD_TO_GROUP, ChooseGroupForm, act)


def _bulk(request: HttpRequest, act: BulkAct, kind: type[forms.Form], do: Callable[[Asked], str]) -> HttpResponse:
    """Show what an act would change, or do it once that is confirmed. A stale confirmation shows the new numbers."""
    asked = _asked(request, kind)
    error: DirectoryError | None = None
    if asked.is_confirmed and asked.form.is_valid():
        try:
            messages.success(request, do(asked))
            return redirect(_list_url(request))
        except (SelectionEmpty, SelectionTooLarge):
            raise
        except DirectoryError as refused:
            error = refused
            if not isinstance(refused, SelectionChanged):
                show_on_form(asked.form, refused)
    context = {
        "act": act.value,
        "asked": asked,
        "form": asked.form,
        "group": asked.group,
        "impact": bulk_acts.impact_of(act, asked.selection, asked.group),
        "error": error if isinstance(error, SelectionChanged) else None,
        "action": request.get_full_path(),
        "back_url": _list_url(request),
        "groups": Group.objects.order_by("name").values_list("name", flat=True)[:200],
    }
    status = error.http_status if error else 422 if asked.form.errors else 200
    return render(request, "admin_portal/people/bulk.html", context, status=status)


def _asked(request: HttpRequest, kind: type[forms.Form]) -> Asked:
    chosen = SelectionForm(request.POST)
    chosen.is_valid()
    fingerprint = chosen.cleaned_data.get("fingerprint", "")
    everybody = bool(chosen.cleaned_data.get("everybody"))
    is_filled = bool(fingerprint) or any(name in request.POST for name in kind.base_fields)
    form = kind(request.POST if is_filled else None)
    if everybody:
        filters = PeopleFilterForm(request.GET)
        fitting = filters.wanted() if filters.is_valid() else PeopleFilter(only=())
        return Asked(Selection(fitting=fitting), form, fingerprint, everybody=True)
    ids = chosen.ids()
    return Asked(Selection(ids=ids), form, fingerprint, [str(pk) for pk in ids])


def _list_url(request: HttpRequest) -> str:
    query = request.GET.urlencode()
    return reverse("admin_portal:people") + (f"?{query}" if query else "")


def _people(number: int) -> str:
    return f"{number:,} {'person was' if number == 1 else 'people were'}"
