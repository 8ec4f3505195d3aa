"""Administrators: who has a role, and how the first one comes about."""

import hashlib
import secrets
from datetime import timedelta

from django.utils import timezone

from users import lockout, notices, sessions
from users.audit import Actor, audited, record
from users.errors import (
    AlreadyAdministrator,
    NotAnAdministrator,
    PersonNotActive,
    SetupDone,
    SetupLinkInvalid,
)
from users.models import AdminRole, SetupToken, State, User
from users.names import normalise_email
from users.permissions import Permission
from users.services import (
    build_person,
    insert_person,
    keep_a_billing_administrator,
    locked_with_billing,
    require,
    set_checked_password,
)
from users.states import refuse_scheduled

SETUP_LINK_LIFETIME = timedelta(hours=1)


@audited("users.administrator.added")
def add_administrator(
    *, actor: Actor, company_email: str, role: AdminRole, password: str | None, display_name: str = ""
) -> User:
    """Give a person a role: somebody new, or somebody who is in the directory already.

    Args:
        password: required for somebody new; for a known person None keeps the password that there is.

    Raises:
        AlreadyAdministrator: the person has a role.
        PasswordRefused: missing where it is needed, or against the rules.
    """
    require(actor, Permission.MANAGE_ADMINISTRATORS)
    email = normalise_email(company_email)
    details: dict[str, object] = {"role": role.value}
    person = User.objects.select_for_update().filter(company_email=email).first()
    if person is None:
        person = build_person(
            company_email=email,
            user_name="",
            display_name=display_name,
            given_name="",
            family_name="",
            external_id="",
            state=State.ACTIVE,
        )
        person.admin_role = role
        set_checked_password(person, password or "")
        insert_person(person)
    else:
        if person.admin_role is not None:
            raise AlreadyAdministrator(label=person.label)
        if not person.is_active:
            raise PersonNotActive(label=person.label)
        refuse_scheduled(person)
        person.admin_role = role
        if password is not None or not person.has_usable_password():
            set_checked_password(person, password or "")
        person.save(update_fields=["admin_role", "password", "updated_at"])
        details["sessions_ended"] = sessions.end_sessions(person=person)
        notices.role_changed(actor=actor, person=person, before=None)
    record("users.administrator.added", actor=actor, target=person, details=details)
    return person


@audited("users.administrator.role_set")
def set_admin_role(*, actor: Actor, person: User, role: AdminRole) -> User:
    """Change an administrator's role, and end the sessions that the old role opened.

    Raises:
        NotAnAdministrator: the person has no role.
        LastBillingAdministrator: nobody else could administer Gatehouse.
    """
    require(actor, Permission.MANAGE_ADMINISTRATORS)
    person = _locked_administrator(person)
    if person.admin_role == role:
        return person
    keep_a_billing_administrator(person)
    before, person.admin_role = person.admin_role, role
    person.save(update_fields=["admin_role", "updated_at"])
    details = {"from": before, "to": role.value, "sessions_ended": sessions.end_sessions(person=person)}
    record("users.administrator.role_set", actor=actor, target=person, details=details)
    notices.role_changed(actor=actor, person=person, before=before)
    return person


@audited("users.administrator.password_set")
def set_admin_password(*, actor: Actor, person: User, password: str) -> User:
    """Give an administrator a new password, and end all of the administrator's sessions.

    Raises:
        NotAnAdministrator: the person has no role.
        PasswordRefused: the password breaks the rules.
    """
    require(actor, Permission.MANAGE_ADMINISTRATORS)
    person = _locked_administrator(person)
    set_checked_password(person, password)
    person.save(update_fields=["password", "updated_at"])
    ended = sessions.end_sessions(person=person)
    lockout.forget_failures(person.company_email)
    record("users.administrator.password_set", actor=actor, target=person, details={"sessions_ended": ended})
    notices.password_changed(actor=actor, person=person, way="administrator")
    return person


@audited("users.administrator.removed")
def remove_administrator(*, actor: Actor, person: User) -> User:
    """Take the role away; the person stays in the directory.

    Raises:
        NotAnAdministrator: the person has no role.
        LastBillingAdministrator: nobody else could administer Gatehouse.
    """
    require(actor, Permission.MANAGE_ADMINISTRATORS)
    person = _locked_administrator(person)
    keep_a_billing_administrator(person)
    before, person.admin_role = person.admin_role, None
    person.save(update_fields=["admin_role", "updated_at"])
    details = {"role": before, "sessions_ended": sessions.end_sessions(person=person)}
    record("users.administrator.removed", actor=actor, target=person, details=details)
    notices.role_changed(actor=actor, person=person, before=before)
    return person


def _locked_administrator(person: User) -> User:
    person = locked_with_billing(person)
    if person.admin_role is None:
        raise NotAnAdministrator(label=person.label)
    return person


def needs_setup() -> bool:
    """Return whether nobody can sign in to the Admin Portal with full rights."""
    billing = User.objects.active().filter(admin_role=AdminRole.ADMINISTRATOR_WITH_BILLING)
    return not any(person.has_usable_password() for person in billing)


@audited("users.setup_link.issued")
def issue_setup_link(*, actor: Actor) -> str:
    """Return the token of a fresh one-time link for the first administrator; earlier links stop working.

    Raises:
        SetupDone: there is an Administrator With Billing.
    """
    if not needs_setup():
        raise SetupDone()
    token = secrets.token_urlsafe(32)
    SetupToken.objects.all().delete()
    SetupToken.objects.create(token_hash=_hash(token), expires_at=timezone.now() + SETUP_LINK_LIFETIME)
    record("users.setup_link.issued", actor=actor)
    return token


def check_setup_token(token: str) -> None:
    """Raise SetupLinkInvalid, or SetupDone where nobody needs one, unless this link would work now."""
    if not needs_setup():
        raise SetupDone()
    if not SetupToken.objects.filter(token_hash=_hash(token), expires_at__gt=timezone.now()).exists():
        raise SetupLinkInvalid()


@audited("users.administrator.set_up")
def create_first_administrator(
    *, actor: Actor, token: str, company_email: str, display_name: str, password: str
) -> User:
    """Spend the set-up link and create the first Administrator With Billing.

    Raises:
        SetupLinkInvalid: the link is unknown, spent or older than an hour.
        SetupDone: there is an administrator already.
        CompanyEmailInvalid, NameInvalid, PasswordRefused: bad input; the link stays good.
    """
    check_setup_token(token)
    # Deleting the row is the single use: of two at once, only one deletes it.
    if not SetupToken.objects.filter(token_hash=_hash(token)).delete()[0]:
        raise SetupLinkInvalid()
    person = build_person(
        company_email=company_email,
        user_name="",
        display_name=display_name,
        given_name="",
        family_name="",
        external_id="",
        state=State.ACTIVE,
    )
    person.admin_role = AdminRole.ADMINISTRATOR_WITH_BILLING
    set_checked_password(person, password)
    insert_person(person)
    record("users.administrator.set_up", actor=actor.as_person(person), target=person)
    return person


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
