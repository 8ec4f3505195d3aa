"""Linking many people by the object IDs of their accounts, before they sign in for the first time."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID, uuid4

from django.db import IntegrityError

from idp.errors import ChangedMeanwhile
from idp.link_errors import ObjectIdInvalid, SubjectInvalid
from idp.link_files import Lines, Person, find_in, people_by_email, read_lines, refuse_repeated
from idp.links import keep_provider, subject_of
from idp.models import FederatedIdentity, IdentityProvider
from users.audit import Actor, audited, record, record_all
from users.bulk import insert_like
from users.models import User
from users.permissions import Permission
from users.services import require

HEADERS = (("company_email", "object_id"), ("company_email", "subject"))


@dataclass(frozen=True)
class PreLinked:
    """How many people were linked (or would be), and how many were linked to the same account before."""

    linked: int
    unchanged: int
    dry_run: bool = False


@audited("idp.identities.pre_linked")
def pre_link_people(*, actor: Actor, provider: IdentityProvider, lines: str, dry_run: bool = False) -> PreLinked:
    """Link each person of a CSV of `company_email,object_id` to that account: all of them, or none.

    Raises:
        LinkFileEmpty, LinkFileTooLong.
        LinkFileRefused: some lines cannot be done; its `problems` say which and why.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    provider = keep_provider(provider)
    found = read_lines(lines, headers=HEADERS)
    subjects = subjects_of(found, provider)
    people = people_by_email(found)
    refuse_repeated(found, lambda line: line.first.lower(), "this company email")
    existing = links_among(provider, subjects, people)
    unchanged = _compare(found, subjects, people, existing)
    found.raise_problems()
    new = [(people[line.number], subjects[line.number]) for line in found.lines if line.number not in unchanged]
    if not dry_run and new:
        _insert(actor, provider, new)
        details = {"linked": len(new), "unchanged": len(unchanged)}
        record("idp.identities.pre_linked", actor=actor, target=provider, details=details)
    return PreLinked(len(new), len(unchanged), dry_run)


def subjects_of(found: Lines, provider: IdentityProvider) -> dict[int, str]:
    """Return the subject of each line's second value, and note those that are none or stand twice."""
    subjects: dict[int, str] = {}
    for line in found.lines:
        try:
            subjects[line.number] = subject_of(provider, line.second)
        except ObjectIdInvalid:
            found.refuse(line.number, f"{line.second[:100]} is not an object ID of Entra")
        except SubjectInvalid:
            found.refuse(line.number, f"{line.second[:100]} is too long for the ID of an account")
    refuse_repeated(found, lambda line: subjects.get(line.number, f"line {line.number}"), "this account")
    return subjects


class Existing(NamedTuple):
    """The links that stand in the way, or are what is wanted already.

    Attributes:
        by_subject: whose each account is: her key and company email.
        people: who has an account at this issuer.
    """

    by_subject: dict[str, tuple[UUID, str]]
    people: set[UUID]


def links_among(provider: IdentityProvider, subjects: dict[int, str], people: dict[int, Person]) -> Existing:
    """Return the links at the provider's issuer of any of these subjects and people."""
    links = FederatedIdentity.objects.filter(issuer=provider.issuer)
    accounts = links.values_list("subject", "person_id", "person__company_email")
    by_subject = {subject: (pk, email) for subject, pk, email in find_in(accounts, "subject", subjects.values())}
    keys = (person.pk for person in people.values())
    return Existing(by_subject, set(find_in(links.values_list("person_id", flat=True), "person", keys)))


def _compare(found: Lines, subjects: dict[int, str], people: dict[int, Person], existing: Existing) -> set[int]:
    """Return the lines that are true already, and note those that another link contradicts."""
    unchanged = set()
    for line in found.lines:
        person, subject = people.get(line.number), subjects.get(line.number)
        if person is None or subject is None:
            continue
        account = existing.by_subject.get(subject)
        if account is not None and account[0] == person.pk:
            unchanged.add(line.number)
        elif account is not None:
            found.refuse(line.number, f"this account is linked to {account[1]} already")
        elif person.pk in existing.people:
            found.refuse(line.number, f"{person.company_email} is linked to another account already")
    return unchanged


def _insert(actor: Actor, provider: IdentityProvider, new: list[tuple[Person, str]]) -> None:
    """Insert the links in batches, and one audit row for each."""
    template = FederatedIdentity(provider=provider, issuer=provider.issuer, rule="pre_link")
    try:
        insert_like(template, ("id", "person", "subject"), ((uuid4(), person.pk, subject) for person, subject in new))
    except IntegrityError as error:
        raise ChangedMeanwhile() from error  # by way of another provider with the same issuer
    details = {"provider": provider.name, "rule": "pre_link"}
    rows = ((person.pk, person.label, {**details, "subject": subject}) for person, subject in new)
    record_all("idp.identity.linked", actor=actor, kind=User, rows=rows)
