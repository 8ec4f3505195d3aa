"""What an identity provider's claims change of people. The caller has decided that they may, and holds the transaction.

Nobody asks for a permission here: no administrator acts, but the rules that one made, at somebody's own sign-in.
"""

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from users import names
from users.audit import Actor, record
from users.errors import UserNameTaken
from users.models import Group, GroupMembership, Source, State, User
from users.services import build_person, insert_person

FIELDS = ("given_name", "family_name", "display_name", "department", "title", "locale")
# Two people with one name before the @ who come in the same moment: each try looks for a free user name again.
_TRIES = 5


def clean_field(field: str, text: str) -> str:
    """Return a text as the form of a person would keep it in this field.

    Raises:
        NameInvalid, LocaleInvalid: the form would refuse it.
    """
    return names.normalise_locale(text) if field == "locale" else names.clean_name(text, field=field)


def lock_for_claims(person: User, groups: Collection[uuid.UUID]) -> User | None:
    """Return the person as stored now, locked together with groups to join or leave; None for who was deleted.

    Groups come first, in one order: whoever changes the members of a group locks it before its people.
    """
    locked = Group.objects.filter(pk__in=groups).order_by("pk").select_for_update(no_key=True)
    list(locked.values_list("pk", flat=True))
    return User.objects.select_for_update(no_key=True).filter(pk=person.pk).first()


def keep_fields(person: User, wanted: Mapping[str, str]) -> dict[str, Any]:
    """Write what differs of a locked person, and return it as `{field: {"from", "to"}}`. The values are clean."""
    changes = {
        field: {"from": getattr(person, field), "to": value}
        for field, value in wanted.items()
        if getattr(person, field) != value
    }
    for field in changes:
        setattr(person, field, wanted[field])
    if changes:
        person.save(update_fields=[*changes, "name_key", "updated_at"])
    return changes


def join_group(
    actor: Actor, person: User, group: Group, *, given_by: uuid.UUID | None, facts: Mapping[str, Any]
) -> None:
    """Make a locked person a member of a group that she is not in, and record it.

    Args:
        given_by: the provider whose claims may take the membership back, or None.
    """
    GroupMembership.objects.create(group=group, person=person, given_by=given_by)
    _record("users.group.member_added", actor, person, group, facts)


def leave_group(actor: Actor, person: User, group: Group, facts: Mapping[str, Any]) -> None:
    """Take a locked person out of a group, and record it."""
    GroupMembership.objects.filter(group=group, person=person).delete()
    _record("users.group.member_removed", actor, person, group, facts)


def add_provided_person(
    *, actor: Actor, company_email: str, fields: Mapping[str, str], external_id: str, state: State, details: Any
) -> User:
    """Add somebody whom a provider vouches for, without a password and never with a role.

    Args:
        fields: given name, family name and the like, clean.
        details: facts for the audit row.

    Raises:
        CompanyEmailInvalid, CompanyEmailTaken, ExternalIdTaken, UserNameTaken.
    """
    texts = {name: fields.get(name, "") for name in FIELDS}
    for left in reversed(range(_TRIES)):
        person = build_person(
            company_email=company_email,
            user_name="",
            **texts,
            external_id=external_id,
            state=state,
        )
        person.source = Source.FEDERATION
        person.set_unusable_password()
        try:
            insert_person(person)
        except UserNameTaken:
            if not left:
                raise
        else:
            break
    facts = {"state": person.state, "source": Source.FEDERATION.value, **details}
    record("users.person.added", actor=actor.as_person(person), target=person, details=facts)
    return person


def _record(action: str, actor: Actor, person: User, group: Group, facts: Mapping[str, Any]) -> None:
    record(action, actor=actor, target=person, details={"group": group.name, "group_id": str(group.pk), **facts})
