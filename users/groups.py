"""What can be done with groups and their members."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from users.audit import Actor, audited, record, record_all
from users.bulk import insert_like
from users.errors import NameInvalid
from users.group_errors import (
    GroupChangedMeanwhile,
    GroupDeletionNotConfirmed,
    GroupDescriptionInvalid,
    GroupInUse,
    GroupNameInvalid,
    GroupNameTaken,
    GroupNotFound,
)
from users.group_uses import uses_of
from users.models import Group, GroupMembership, User
from users.name_key import case_key
from users.names import clean_name, label_of
from users.pasted_emails import emails_in
from users.permissions import Permission
from users.services import require

NAME_MAX_LENGTH = 100
DESCRIPTION_MAX_LENGTH = 500
# So many keys go into one statement: databases take some tens of thousands of parameters at most.
BATCH = 1000


@audited("users.group.added")
def add_group(*, actor: Actor, name: str, description: str = "") -> Group:
    """Create a group without members.

    Raises:
        GroupNameInvalid, GroupDescriptionInvalid: bad input.
        GroupNameTaken: another group has the name.
    """
    require(actor, Permission.MANAGE_PEOPLE)
    group = Group(name=_clean_name(name), description=_clean_description(description))
    _save(group, force_insert=True)
    record("users.group.added", actor=actor, target=group, details={"description": group.description})
    return group


@audited("users.group.edited")
def edit_group(
    *,
    actor: Actor,
    group: Group,
    seen: datetime | None = None,
    name: str | None = None,
    description: str | None = None,
) -> Group:
    """Change what is given of a group; None keeps what is stored.

    Args:
        seen: `updated_at` of what the form showed; None looks at no other change.

    Raises:
        GroupNotFound: it was deleted meanwhile.
        GroupChangedMeanwhile: somebody else saved it after `seen`.
        GroupNameInvalid, GroupDescriptionInvalid, GroupNameTaken: see `add_group`.
    """
    require(actor, Permission.MANAGE_PEOPLE)
    group = _locked(group)
    if seen is not None and seen != group.updated_at:
        raise GroupChangedMeanwhile()
    wanted: dict[str, str] = {}
    if name is not None:
        wanted["name"] = _clean_name(name)
    if description is not None:
        wanted["description"] = _clean_description(description)
    before = {field: getattr(group, field) for field in wanted}
    changes = {field: {"from": before[field], "to": value} for field, value in wanted.items() if value != before[field]}
    if changes:
        group.name, group.description = wanted.get("name", group.name), wanted.get("description", group.description)
        _save(group)
        record("users.group.edited", actor=actor, target=group, details={"changes": changes})
    return group


@audited("users.group.deleted")
def delete_group(*, actor: Actor, group: Group, confirmation: str = "") -> int:
    """Delete a group, and return how many members it had. The people stay; each of them gets an audit row.

    Args:
        confirmation: the name of the group, typed; needed where it has members.

    Raises:
        GroupNotFound: it was deleted meanwhile.
        GroupDeletionNotConfirmed: it has members, and the name was not typed.
        GroupInUse: a policy names it.
    """
    require(actor, Permission.MANAGE_PEOPLE)
    group = _locked(group)
    if uses := uses_of(group):
        raise GroupInUse(label=group.name, uses="; ".join(uses))
    members = User.objects.filter(memberships__group=group)
    if case_key(confirmation.strip()) != group.name_key and members.exists():
        raise GroupDeletionNotConfirmed(label=group.name)
    removed = _record_each("users.group.member_removed", actor, group, members)
    key = group.pk
    group.delete()
    group.pk = key  # the audit row names which one it was
    record("users.group.deleted", actor=actor, target=group, details={"members": removed})
    return removed


@audited("users.group.members_added")
def add_members(*, actor: Actor, group: Group, people: Collection[uuid.UUID]) -> int:
    """Put people into a group, and return how many were not in it before. Ids of nobody are passed over.

    Raises:
        GroupNotFound: it was deleted meanwhile.
    """
    require(actor, Permission.MANAGE_PEOPLE)
    group = _locked(group)
    added = _insert(actor, group, people)
    if added:
        record("users.group.members_added", actor=actor, target=group, details={"added": added})
    return added


@dataclass(frozen=True)
class Pasted:
    """What became of pasted emails.

    Attributes:
        unknown: what is nobody's company email, as it was typed.
    """

    added: int
    already: int
    unknown: tuple[str, ...]


@audited("users.group.members_added")
def add_members_by_email(*, actor: Actor, group: Group, text: str) -> Pasted:
    """Put the people into a group whose company emails a text holds, in any of the forms of `emails_in`.

    What is unknown keeps nobody else out: the answer names it.

    Raises:
        GroupNotFound: it was deleted meanwhile.
    """
    require(actor, Permission.MANAGE_PEOPLE)
    group = _locked(group)
    people, unknown = _people_named(text)
    added = _insert(actor, group, people)
    details: dict[str, Any] = {"added": added, "already": len(people) - added, "unknown": len(unknown)}
    if added or unknown:
        record("users.group.members_added", actor=actor, target=group, details=details)
    return Pasted(added, len(people) - added, unknown)


@audited("users.group.members_removed")
def remove_members(*, actor: Actor, group: Group, people: Collection[uuid.UUID]) -> int:
    """Take people out of a group, and return how many were in it.

    Raises:
        GroupNotFound: it was deleted meanwhile.
    """
    require(actor, Permission.MANAGE_PEOPLE)
    return _remove(actor, _locked(group), people)


@audited("users.group.members_removed")
def remove_members_by_email(*, actor: Actor, group: Group, text: str) -> tuple[int, tuple[str, ...]]:
    """Take the people out of a group whose company emails a text holds.

    Returns:
        How many were in it, and what is nobody's company email.

    Raises:
        GroupNotFound: it was deleted meanwhile.
    """
    require(actor, Permission.MANAGE_PEOPLE)
    people, unknown = _people_named(text)
    return _remove(actor, _locked(group), people), unknown


def _people_named(text: str) -> tuple[list[uuid.UUID], tuple[str, ...]]:
    """Return whose company emails a text holds, and what is nobody's."""
    emails, wrong = emails_in(text)
    people: dict[str, uuid.UUID] = {}
    for some in _batches(emails):
        people |= dict(User.objects.filter(company_email__in=some).values_list("company_email", "pk"))
    return list(people.values()), (*(email for email in emails if email not in people), *wrong)


def _remove(actor: Actor, group: Group, people: Collection[uuid.UUID]) -> int:
    removed = 0
    for some in _batches(people):
        members = User.objects.filter(memberships__group=group, pk__in=some)
        removed += _record_each("users.group.member_removed", actor, group, members)
        GroupMembership.objects.filter(group=group, person__in=some).delete()
    if removed:
        record("users.group.members_removed", actor=actor, target=group, details={"removed": removed})
    return removed


def _insert(actor: Actor, group: Group, people: Collection[uuid.UUID]) -> int:
    """Make the memberships that there are not yet. An auditor asks about a person: each gets a row."""
    added = 0
    for some in _batches(people):
        # Locked, in one order: somebody who is deleted in this moment must not become a member.
        found = User.objects.filter(pk__in=some).exclude(memberships__group=group).order_by("pk")
        keys = list(found.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
        insert_like(GroupMembership(group=group), ("person",), ((key,) for key in keys))
        added += _record_each("users.group.member_added", actor, group, User.objects.filter(pk__in=keys))
    return added


def _record_each(action: str, actor: Actor, group: Group, people: Any) -> int:
    names = ("display_name", "given_name", "family_name", "company_email")
    facts = {"group": group.name, "group_id": str(group.pk)}
    rows = (
        (key, label_of(**dict(zip(names, values, strict=True))), facts)
        for key, *values in people.values_list("pk", *names).iterator()
    )
    return record_all(action, actor=actor, kind=User, rows=rows)


def _batches(values: Iterable[Any]) -> Iterable[list[Any]]:
    listed = sorted(set(values))
    return (listed[start : start + BATCH] for start in range(0, len(listed), BATCH))


def _locked(group: Group) -> Group:
    """Return the group as stored now, its row locked: who changes members comes one after the other."""
    found = Group.objects.select_for_update().filter(pk=group.pk).first()
    if found is None:
        raise GroupNotFound()
    return found


def _save(group: Group, **options: Any) -> None:
    try:
        with transaction.atomic():
            group.save(**options)
    except IntegrityError as error:
        raise GroupNameTaken(name=group.name) from error


def _clean_name(text: str) -> str:
    try:
        name = clean_name(text, longest=NAME_MAX_LENGTH)
    except NameInvalid as error:
        raise GroupNameInvalid() from error
    if not name:
        raise GroupNameInvalid()
    return name


def _clean_description(text: str) -> str:
    try:
        return clean_name(" ".join(text.split()), longest=DESCRIPTION_MAX_LENGTH)
    except NameInvalid as error:
        raise GroupDescriptionInvalid() from error
