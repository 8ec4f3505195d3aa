"""What can be done with people. Every change of a person goes through here, whoever asks for it."""

import contextlib
import uuid

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q

from users import contact, lockout, names, notices, password_owner, sessions
from users.audit import Actor, audited, record
from users.default_states import default_state
from users.errors import (
    CompanyEmailTaken,
    ExternalIdTaken,
    LastBillingAdministrator,
    PasswordManagedExternally,
    PasswordRefused,
    PermissionRefused,
    PersonNotFound,
    UserNameTaken,
)
from users.models import AdminRole, Source, State, User
from users.people_errors import SuspendsOneself, UnlocksOneself
from users.permissions import Permission, permissions_of
from users.states import change_state


def require(actor: Actor, permission: Permission) -> None:
    """Refuse an actor without this permission. An operator on the server holds all of them.

    Raises:
        PermissionRefused: the role does not cover it.
    """
    if actor.is_operator:
        return
    if actor.person is None or permission not in permissions_of(actor.person):
        role = AdminRole(actor.person.admin_role).label if actor.person and actor.person.admin_role else "none"
        raise PermissionRefused(role=role, permission=permission.value)


def find_person(identifier: str) -> User:
    """Return the person with this company email, user name or id.

    Raises:
        PersonNotFound: nobody answers to it.
    """
    identifier = identifier.strip()
    if not identifier.isascii() or "\x00" in identifier:
        # Before the case is folded: that would turn some look-alikes into plain letters.
        raise PersonNotFound(identifier=ascii(identifier[:254]))
    person = None
    with contextlib.suppress(ValueError):
        person = User.objects.filter(pk=uuid.UUID(identifier)).first()
    wanted = Q(company_email=identifier.lower()) | Q(user_name=identifier.lower())
    person = person or User.objects.filter(wanted).first()
    if person is None:
        raise PersonNotFound(identifier=identifier[:254])
    return person


@audited("users.person.added")
def add_person(
    *,
    actor: Actor,
    company_email: str,
    user_name: str = "",
    display_name: str = "",
    given_name: str = "",
    family_name: str = "",
    external_id: str = "",
    title: str = "",
    department: str = "",
    phone_number: str = "",
    locale: str = "",
    state: State | None = None,
    password: str | None = None,
) -> User:
    """Create a person.

    Args:
        user_name: proposed from the email where empty.
        external_id: the person's object id in a source directory, used for the first federated link.
        state: None for the one that the organization settings say for people whom an administrator adds.
        password: None for a person who has none and signs in through a provider.

    Raises:
        CompanyEmailInvalid, UserNameInvalid, NameInvalid, PhoneNumberInvalid, LocaleInvalid: bad input.
        PasswordRefused: the password breaks the rules.
        CompanyEmailTaken, UserNameTaken, ExternalIdTaken: not unique.
    """
    require(actor, Permission.MANAGE_PEOPLE)
    person = build_person(
        company_email=company_email,
        user_name=user_name,
        display_name=display_name,
        given_name=given_name,
        family_name=family_name,
        external_id=external_id,
        title=title,
        department=department,
        phone_number=phone_number,
        locale=locale,
        state=state or default_state(Source.MANUAL),
    )
    set_checked_password(person, password)
    insert_person(person)
    record("users.person.added", actor=actor, target=person, details={"state": person.state})
    return person


def build_person(
    *,
    company_email: str,
    user_name: str,
    display_name: str,
    given_name: str,
    family_name: str,
    external_id: str,
    state: State,
    title: str = "",
    department: str = "",
    phone_number: str = "",
    locale: str = "",
) -> User:
    """Return an unsaved person in normal form; raises what `add_person` names for bad input."""
    email = names.normalise_email(company_email)
    return User(
        company_email=email,
        user_name=names.normalise_user_name(user_name) if user_name else _free_user_name(email),
        display_name=names.clean_name(display_name or f"{given_name} {family_name}"),
        given_name=names.clean_name(given_name, field="given_name"),
        family_name=names.clean_name(family_name, field="family_name"),
        external_id=names.normalise_external_id(external_id),
        title=names.clean_name(title, field="title"),
        department=names.clean_name(department, field="department"),
        phone_number=contact.normalise_phone_number(phone_number),
        locale=names.normalise_locale(locale),
        state=state,
    )


def _free_user_name(email: str) -> str:
    """Return the proposed user name, with a number behind it where somebody has it."""
    proposal = names.user_name_from_email(email)
    taken = set(User.objects.filter(user_name__startswith=proposal[:58]).values_list("user_name", flat=True))
    candidate, number = proposal, 1
    while candidate in taken:
        number += 1
        candidate = f"{proposal[:58]}-{number}"
    return candidate


def set_checked_password(person: User, password: str | None) -> None:
    """Set a password that passes the rules, or an unusable one for None. Does not save.

    Raises:
        PasswordManagedExternally: the person signs in through a provider, where the password is.
        PasswordRefused: the password breaks the rules.
    """
    if password is None:
        person.set_unusable_password()
        return
    provider = password_owner.of(person)
    if provider is not None:
        raise PasswordManagedExternally(label=person.label, provider=provider)
    if not password.strip():
        raise PasswordRefused(reasons="It is blank.")
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise PasswordRefused(reasons=" ".join(error.messages)) from error
    if len(password) > 1024 or "\x00" in password:
        raise PasswordRefused(reasons="It is too long or holds a NUL character.")
    person.set_password(password)


def insert_person(person: User) -> None:
    """Insert a person; what is taken is a clear refusal, also where somebody else took it in the same moment."""
    refuse_taken(person)
    try:
        with transaction.atomic():
            person.save(force_insert=True)
    except IntegrityError as error:
        refuse_taken(person)
        raise CompanyEmailTaken(company_email=person.company_email) from error


def refuse_taken(person: User) -> None:
    """Refuse what identifies somebody else already.

    Raises:
        CompanyEmailTaken, UserNameTaken, ExternalIdTaken.
    """
    others = User.objects.exclude(pk=person.pk)
    if others.filter(company_email=person.company_email).exists():
        raise CompanyEmailTaken(company_email=person.company_email)
    if others.filter(user_name=person.user_name).exists():
        raise UserNameTaken(user_name=person.user_name)
    if person.external_id and others.filter(external_id=person.external_id).exists():
        raise ExternalIdTaken()


@audited("users.person.activated")
def activate_person(*, actor: Actor, person: User, reason: str = "") -> User:
    """Let a staged or suspended person sign in. Doing it twice changes nothing.

    Raises:
        NameInvalid: the reason is longer than a line of 200 characters.
    """
    require(actor, Permission.MANAGE_PEOPLE)
    person = locked_with_billing(person)
    if person.admin_role is not None:
        require(actor, Permission.MANAGE_ADMINISTRATORS)
    return change_state(actor=actor, person=person, state=State.ACTIVE, reason=names.clean_reason(reason))


@audited("users.person.suspended")
def suspend_person(*, actor: Actor, person: User, reason: str = "") -> User:
    """Refuse a person every sign-in, and end all sessions.

    Raises:
        SuspendsOneself: it is the actor.
        LastBillingAdministrator: nobody else could administer Gatehouse.
        NameInvalid: the reason is longer than a line of 200 characters.
    """
    require(actor, Permission.SUPPORT_PEOPLE)
    person = locked_with_billing(person)
    if person.admin_role is not None:
        require(actor, Permission.MANAGE_ADMINISTRATORS)
        keep_a_billing_administrator(person)
        if actor.person is not None and actor.person.pk == person.pk:
            raise SuspendsOneself()
    return change_state(actor=actor, person=person, state=State.SUSPENDED, reason=names.clean_reason(reason))


@audited("users.person.password_set")
def set_person_password(*, actor: Actor, person: User, password: str) -> User:
    """Give a person outside federation a new password, and end all of their sessions.

    Raises:
        PasswordManagedExternally: the person signs in through a provider.
        PasswordRefused: the password breaks the rules.
    """
    person = locked_with_billing(person)
    require(actor, Permission.MANAGE_ADMINISTRATORS if person.admin_role else Permission.MANAGE_PEOPLE)
    set_checked_password(person, password)
    person.save(update_fields=["password", "updated_at"])
    ended = sessions.end_sessions(person=person)
    lockout.forget_failures(person.company_email)
    record("users.person.password_set", actor=actor, target=person, details={"sessions_ended": ended})
    notices.password_changed(actor=actor, person=person, way="administrator")
    return person


@audited("users.person.external_id_set")
def set_external_id(*, actor: Actor, person: User, external_id: str) -> User:
    """Say which account of the source directory a person is, for the first federated sign-in. Empty for none.

    Raises:
        NameInvalid: it cannot be an external ID.
        ExternalIdTaken: another person has it.
    """
    person = locked_with_billing(person)
    require(actor, Permission.MANAGE_ADMINISTRATORS if person.admin_role else Permission.MANAGE_PEOPLE)
    person.external_id = names.normalise_external_id(external_id)
    if person.external_id and User.objects.filter(external_id=person.external_id).exclude(pk=person.pk).exists():
        raise ExternalIdTaken()
    try:
        with transaction.atomic():
            person.save(update_fields=["external_id", "updated_at"])
    except IntegrityError as error:
        raise ExternalIdTaken() from error
    record("users.person.external_id_set", actor=actor, target=person, details={"external_id": person.external_id})
    return person


@audited("users.person.unlocked")
def unlock_person(*, actor: Actor, person: User) -> int:
    """Forget the failed sign-ins of an account, and return how many there were.

    Raises:
        UnlocksOneself: it is the actor's own.
    """
    require(actor, Permission.MANAGE_ADMINISTRATORS if person.admin_role else Permission.SUPPORT_PEOPLE)
    if actor.person is not None and actor.person.pk == person.pk:
        raise UnlocksOneself()
    failures = lockout.forget_failures(person.company_email)
    record("users.person.unlocked", actor=actor, target=person, details={"failures": failures})
    return failures


def locked_with_billing(person: User) -> User:
    """Return the person as stored now, with that row and those of all billing administrators locked in one order.

    Two administrators who demote each other at once therefore come one after the other, and cannot deadlock.
    """
    wanted = Q(pk=person.pk) | Q(admin_role=AdminRole.ADMINISTRATOR_WITH_BILLING)
    rows = {row.pk: row for row in User.objects.select_for_update().filter(wanted).order_by("pk")}
    if person.pk not in rows:
        raise PersonNotFound(identifier=person.company_email)
    return rows[person.pk]


def keep_a_billing_administrator(leaving: User) -> None:
    """Refuse an act that takes away the last Administrator With Billing who can sign in. Rows are locked already."""
    if leaving.admin_role != AdminRole.ADMINISTRATOR_WITH_BILLING:
        return
    others = User.objects.filter(admin_role=leaving.admin_role, state=State.ACTIVE).exclude(pk=leaving.pk)
    if not any(person.has_usable_password() for person in others):
        raise LastBillingAdministrator(label=leaving.label)
