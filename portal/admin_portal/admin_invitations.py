"""SETTINGS > Administrators: inviting, inviting again, and withdrawing an invitation."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.administrator_forms import InviteForm
from portal.admin_portal.administrators import LIST, ONE
from portal.admin_portal.forms import show_on_form
from portal.admin_portal.mail_messages import say_mailed
from portal.fresh import fresh_authentication
from users.admin_invitations import invite_administrator, renew_admin_invitation, withdraw_admin_invitation
from users.errors import DirectoryError, PermissionRefused
from users.permission_words import table
from users.permissions import Permission
from users.services import find_person


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.MANAGE_ADMINISTRATORS)
@fresh_authentication
def invite(request: HttpRequest) -> HttpResponse:
    """Take whom to invite, and mail the invitation."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            mailing = invite_administrator(actor=actor_of(request), **form.values())
        except PermissionRefused:
            raise
        except DirectoryError as error:
            show_on_form(form, error)
        else:
            say_mailed(request, mailing, "The invitation")
            return redirect(ONE, administrator=mailing.person.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "admin_portal/administrators/invite.html", {"form": form, "lines": table()}, status=status)


@require_POST
@permission_required(Permission.MANAGE_ADMINISTRATORS)
@fresh_authentication(back_to=ONE)
def invite_again(request: HttpRequest, administrator: UUID) -> HttpResponse:
    """Mail a fresh link in the place of the one that was sent."""
    mailing = renew_admin_invitation(actor=actor_of(request), person=find_person(str(administrator)))
    say_mailed(request, mailing, "The invitation")
    return redirect(ONE, administrator=mailing.person.pk)


@require_POST
@permission_required(Permission.MANAGE_ADMINISTRATORS)
def withdraw(request: HttpRequest, administrator: UUID) -> HttpResponse:
    """Make an invitation void."""
    person = withdraw_admin_invitation(actor=actor_of(request), person=find_person(str(administrator)))
    text = f"The invitation of {person.label} was withdrawn. The link in the mail opens nothing any more."
    if not person.is_active:
        text += f" {person.label} stays in the directory as {person.get_state_display().lower()}."
    messages.success(request, text)
    return redirect(LIST)
