"""SETTINGS > Administrators: who has which role, and what is done with those who have one."""

from typing import cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.administrator_forms import RoleForm
from portal.admin_portal.mail_messages import say_mailed
from portal.fresh import fresh_authentication
from users.administrators import remove_administrator, set_admin_role
from users.administrators_list import find_administrator, find_listed, list_administrators, role_impact
from users.errors import DirectoryError
from users.factors import has_second_factor, who_have_second_factor
from users.models import AdminRole, User
from users.passwords import send_password_reset
from users.permission_words import table, words_of_role
from users.permissions import Permission, permissions_of
from users.services import find_person, unlock_person

LIST, ONE, SIGN_IN = "admin_portal:administrators", "admin_portal:administrator", "admin_portal:sign_in"


@require_safe
@permission_required(Permission.VIEW_ADMINISTRATORS)
def index(request: HttpRequest) -> HttpResponse:
    """List administrators and invited people, and say what each role may do."""
    after = request.GET.get("after", "")
    listed, next_key = list_administrators(after=after)
    with_factor = who_have_second_factor([each.person for each in listed])
    context = {
        "rows": [(each, each.person.pk in with_factor) for each in listed],
        "lines": table(),
        "may_manage": _may_manage(request),
        "first_url": "?" if after else "",
        "next_url": f"?{urlencode({'after': next_key})}" if next_key else "",
    }
    return render(request, "admin_portal/administrators/index.html", context)


@require_safe
@permission_required(Permission.VIEW_ADMINISTRATORS)
def show(request: HttpRequest, administrator: UUID) -> HttpResponse:
    """Show one administrator, or one invitation, with what can be done."""
    listed = find_listed(find_person(str(administrator)))
    context = {
        "listed": listed,
        "owner": listed.person,
        "factor": has_second_factor(listed.person),
        "may": words_of_role(listed.role),
        "may_manage": _may_manage(request),
        "is_self": listed.person == request.user,
    }
    return render(request, "admin_portal/administrators/show.html", context)


@require_safe
@permission_required(Permission.MANAGE_ADMINISTRATORS)
@fresh_authentication
def role(request: HttpRequest, administrator: UUID) -> HttpResponse:
    """Take the new role, and show what it would change."""
    owner = find_administrator(administrator)
    form = RoleForm(request.GET or None, initial={"role": owner.admin_role})
    return _role_page(request, owner, form)


@require_POST
@permission_required(Permission.MANAGE_ADMINISTRATORS)
@fresh_authentication(back_to="admin_portal:administrator_role")
def set_role(request: HttpRequest, administrator: UUID) -> HttpResponse:
    """Change the role. The administrator's sessions end, which may be this one."""
    owner, form = find_administrator(administrator), RoleForm(request.POST)
    if not form.is_valid():
        return _role_page(request, owner, form, status=422)
    wanted = AdminRole(form.cleaned_data["role"])
    changed = set_admin_role(actor=actor_of(request), person=owner, role=wanted)
    return _done(request, changed, f"{changed.label} is now {wanted.label}.", is_over=changed.admin_role is None)


def _role_page(request: HttpRequest, owner: User, form: RoleForm, *, status: int = 200) -> HttpResponse:
    wanted = AdminRole(form.cleaned_data["role"]) if form.is_bound and form.is_valid() else None
    context = {
        "owner": owner,
        "form": form,
        "wanted": wanted,
        "impact": role_impact(owner, wanted) if wanted and wanted != owner.admin_role else None,
        "is_self": owner == request.user,
    }
    return render(request, "admin_portal/administrators/role.html", context, status=status)


@require_safe
@permission_required(Permission.MANAGE_ADMINISTRATORS)
@fresh_authentication
def confirm_removal(request: HttpRequest, administrator: UUID) -> HttpResponse:
    """Show what it means to take the role away."""
    owner = find_administrator(administrator)
    context = {"owner": owner, "impact": role_impact(owner, None), "is_self": owner == request.user}
    return render(request, "admin_portal/administrators/remove.html", context)


@require_POST
@permission_required(Permission.MANAGE_ADMINISTRATORS)
@fresh_authentication(back_to="admin_portal:administrator_removal")
def remove(request: HttpRequest, administrator: UUID) -> HttpResponse:
    """Take the role away."""
    removed = remove_administrator(actor=actor_of(request), person=find_administrator(administrator))
    return _done(request, removed, f"{removed.label} is not an administrator any more.", is_over=True)


@require_POST
@permission_required(Permission.MANAGE_ADMINISTRATORS)
@fresh_authentication(back_to=ONE)
def send_reset(request: HttpRequest, administrator: UUID) -> HttpResponse:
    """Mail an administrator a link for a new password."""
    owner = find_administrator(administrator)
    try:
        mailing = send_password_reset(actor=actor_of(request), person=owner)
    except DirectoryError as error:
        messages.error(request, f"{error.message} {error.hint}")
    else:
        say_mailed(request, mailing, "The link for a new password")
    return redirect(ONE, administrator=owner.pk)


@require_POST
@permission_required(Permission.MANAGE_ADMINISTRATORS)
def unlock(request: HttpRequest, administrator: UUID) -> HttpResponse:
    """Forget an administrator's failed sign-ins."""
    owner = find_administrator(administrator)
    unlock_person(actor=actor_of(request), person=owner)
    messages.success(request, f"{owner.label} can sign in again.")
    return redirect(ONE, administrator=owner.pk)


def _done(request: HttpRequest, person: User, words: str, *, is_over: bool) -> HttpResponse:
    """Go on to the list; whoever acted on herself has no session any more, and signs in again if she still may."""
    if person != request.user:
        messages.success(request, words)
        return redirect(LIST)
    logout(request)
    messages.info(request, "You have no role any more." if is_over else "Your role was changed. Sign in again.")
    return redirect(SIGN_IN)


def _may_manage(request: HttpRequest) -> bool:
    return Permission.MANAGE_ADMINISTRATORS in permissions_of(cast(User, request.user))
