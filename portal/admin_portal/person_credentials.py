"""A person's own sign-in from her page: the mails about her password, and the reset of her second factor."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from portal.actors import actor_of
from portal.admin_portal.access import fresh_about_administrators, permission_required
from portal.admin_portal.mail_messages import say_mailed
from portal.fresh import fresh_authentication
from users.errors import DirectoryError, PermissionRefused
from users.factors import reset_second_factor
from users.invitations import send_invitation
from users.passwords import send_password_reset
from users.permissions import Permission
from users.services import find_person

PAGE = "admin_portal:person_sign_in"


@require_POST
@permission_required(Permission.SUPPORT_PEOPLE)
@fresh_about_administrators(back_to=PAGE)
def send_reset(request: HttpRequest, person: UUID) -> HttpResponse:
    """Mail the person a link for a new password."""
    owner = find_person(str(person))
    try:
        mailing = send_password_reset(actor=actor_of(request), person=owner)
    except PermissionRefused:
        raise
    except DirectoryError as error:
        messages.error(request, f"{error.message} {error.hint}")
    else:
        say_mailed(request, mailing, "The link for a new password")
    return redirect(PAGE, person=owner.pk)


@require_POST
@permission_required(Permission.MANAGE_PEOPLE)
def invite(request: HttpRequest, person: UUID) -> HttpResponse:
    """Mail a person without a password a link to choose one."""
    owner = find_person(str(person))
    try:
        activate = bool(request.POST.get("activate"))
        mailing = send_invitation(actor=actor_of(request), person=owner, activate=activate)
    except PermissionRefused:
        raise
    except DirectoryError as error:
        messages.error(request, f"{error.message} {error.hint}")
    else:
        say_mailed(request, mailing, "The invitation")
    return redirect(PAGE, person=owner.pk)


@require_POST
@permission_required(Permission.SUPPORT_PEOPLE)
@fresh_authentication(back_to=PAGE)
def reset_factor(request: HttpRequest, person: UUID) -> HttpResponse:
    """Take the person's second factors away, because they are lost."""
    owner = find_person(str(person))
    removed = reset_second_factor(actor=actor_of(request), person=owner)
    number = f"{removed} second factor{'' if removed == 1 else 's'}"
    messages.success(request, f"{number} of {owner.label} taken away, with the recovery codes. All sessions ended.")
    return redirect(PAGE, person=owner.pk)
