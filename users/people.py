"""Changing what is known of a person, and deleting one."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from users import action_links, contact, lockout, names, notices
from users.audit import Actor, audited, record
from users.errors import CompanyEmailTaken
from users.models import User
from users.people_errors import DeletesOneself, DeletionNotConfirmed, PersonChangedMeanwhile
from users.permissions import Permission
from users.services import keep_a_billing_administrator, locked_with_billing, refuse_taken, require


@audited("users.person.edited")
def edit_person(
    *,
    actor: Actor,
    person: User,
    seen: datetime | None = None,
    company_email: str | None = None,
    user_name: str | None = None,
    display_name: str | None = None,
    given_name: str | None = None,
    family_name: str | None = None,
    title: str | None = None,
    department: str | None = None,
    phone_number: str | None = None,
    locale: str | None = None,
    external_id: str | None = None,
) -> User:
    """Change what is given of a person; None keeps what is stored.

    A new company email is what the person types at the next sign-in. Links to accounts at a provider stay: they do not
    rest on an email. Somebody who is not linked yet is found by the new one at the first federated sign-in.

    Args:
        seen: `updated_at` of what the form showed; None looks at no other change.
        display_name: "" for given and family name together.

    Raises:
        PersonChangedMeanwhile: somebody else saved the person after `seen`.
        CompanyEmailInvalid, UserNameInvalid, NameInvalid, PhoneNumberInvalid, LocaleInvalid: bad input.
        CompanyEmailTaken, UserNameTaken, ExternalIdTaken: not unique.
    """
    person = locked_with_billing(person)
    require(actor, permission_to_manage(person))
    if seen is not None and seen != person.updated_at:
        raise PersonChangedMeanwhile(label=person.label)
    given = {"given_name": given_name, "family_name": family_name, "title": title, "department": department}
    wanted: dict[str, str | None] = {
        field: names.clean_name(text, field=field) for field, text in given.items() if text is not None
    }
    if company_email is not None:
        wanted["company_email"] = names.normalise_email(company_email)
    if user_name is not None:
        wanted["user_name"] = names.normalise_user_name(user_name)
    if phone_number is not None:
        wanted["phone_number"] = contact.normalise_phone_number(phone_number)
    if locale is not None:
        wanted["locale"] = names.normalise_locale(locale)
    if external_id is not None:
        wanted["external_id"] = names.normalise_external_id(external_id)
    if display_name is not None:
        first, last = (wanted.get(field, getattr(person, field)) for field in ("given_name", "family_name"))
        wanted["display_name"] = names.clean_name(display_name) or names.clean_name(f"{first} {last}")
    return _save(actor, person, wanted)


def _save(actor: Actor, person: User, wanted: dict[str, str | None]) -> User:
    changes: dict[str, Any] = {}
    for field, value in wanted.items():
        before = getattr(person, field)
        if value != before:
            changes[field] = {"from": before, "to": value}
            setattr(person, field, value)
    if not changes:
        return person
    refuse_taken(person)
    try:
        with transaction.atomic():
            person.save(update_fields=[*changes, "name_key", "updated_at"])
    except IntegrityError as error:
        refuse_taken(person)
        raise CompanyEmailTaken(company_email=person.company_email) from error
    if "company_email" in changes:
        lockout.forget_failures(changes["company_email"]["from"])
        action_links.forget(person)
        if person.is_active and (person.admin_role or person.has_usable_password()):
            notices.email_changed(actor=actor, person=person, former=changes["company_email"]["from"])
    record("users.person.edited", actor=actor, target=person, details={"changes": changes})
    return person


@audited("users.person.deleted")
def delete_person(*, actor: Actor, person: User, confirmation: str) -> None:
    """Delete a person with sessions, links to providers, group memberships and factors. The audit log keeps its rows.

    Args:
        confirmation: the person's company email, typed by whoever deletes.

    Raises:
        DeletionNotConfirmed: it is another text.
        DeletesOneself: it is the actor.
        LastBillingAdministrator: nobody else could administer Gatehouse.
    """
    person = locked_with_billing(person)
    require(actor, permission_to_manage(person))
    if actor.person is not None and actor.person.pk == person.pk:
        raise DeletesOneself()
    if confirmation.strip().lower() != person.company_email:
        raise DeletionNotConfirmed(label=person.label, company_email=person.company_email)
    keep_a_billing_administrator(person)
    known = {"company_email": person.company_email, "user_name": person.user_name, "external_id": person.external_id}
    known |= {"state": person.state, "admin_role": person.admin_role}
    groups = list(person.groups.order_by("name").values_list("name", flat=True)[:50])
    key, lost = person.pk, person.delete()[1]
    person.pk = key  # the audit row names whom it was about
    lockout.forget_failures(person.company_email)
    counts = {label.partition(".")[2]: count for label, count in lost.items() if count and label != "users.User"}
    record("users.person.deleted", actor=actor, target=person, details={**known, "groups": groups, "deleted": counts})


def permission_to_manage(person: User) -> Permission:
    """Return what it takes to change or delete a person: administrators are for those who manage administrators."""
    return Permission.MANAGE_PEOPLE if person.admin_role is None else Permission.MANAGE_ADMINISTRATORS
