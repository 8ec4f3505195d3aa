"""Who may be invited, and who is refused and why."""

import pytest

from idp.models import IdentityProvider
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.users.support import as_person, audit_rows, refused
from users.errors import PasswordManagedExternally, PermissionRefused, PersonNotActive
from users.invitations import send_invitation
from users.link_errors import AlreadyHasPassword, InvitationOfAdministrator
from users.models import ActionLink, AdminRole, State, User
from users.passwords import send_password_reset

pytestmark = pytest.mark.django_db


def test_who_has_a_password_is_sent_a_reset_instead() -> None:
    error = refused(AlreadyHasPassword, send_invitation, actor=OPERATOR, person=make_person(password=PASSWORD))
    assert error.code == "users.has_password" and "new password" in error.hint


def test_an_administrator_is_not_invited_as_a_person(administrator: User) -> None:
    error = refused(InvitationOfAdministrator, send_invitation, actor=OPERATOR, person=administrator)
    assert error.code == "users.invitation_of_administrator"


@pytest.mark.parametrize("send", [send_invitation, send_password_reset])
def test_a_suspended_person_gets_no_link(send: object) -> None:
    refused(PersonNotActive, send, actor=OPERATOR, person=make_person(state=State.SUSPENDED))  # type: ignore[arg-type]


@pytest.mark.parametrize("send", [send_invitation, send_password_reset])
def test_a_federated_person_gets_no_link(send: object, provider: IdentityProvider, ada: User) -> None:
    error = refused(PasswordManagedExternally, send, actor=OPERATOR, person=ada)  # type: ignore[arg-type]
    assert provider.name in error.message and not ActionLink.objects.exists()


@pytest.mark.parametrize("role", [AdminRole.HELP_DESK, AdminRole.READ_ONLY])
def test_inviting_takes_the_permission_to_manage_people(role: AdminRole) -> None:
    refused(PermissionRefused, send_invitation, actor=as_person(make_administrator(role)), person=make_person())
    assert audit_rows(action="users.invitation.made") == [
        ("users.invitation.made", "refused", "users.permission_refused")
    ]


def test_the_mail_does_not_show_in_what_the_service_returns() -> None:
    made = send_invitation(actor=OPERATOR, person=make_person())
    assert made.is_mailed and made.error is None
    assert made.url.rpartition("invitation/")[2] not in repr(made)


def test_an_active_person_is_not_activated_by_her_link() -> None:
    send_invitation(actor=OPERATOR, person=make_person(), activate=True)
    assert not ActionLink.objects.get().activates
