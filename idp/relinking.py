"""Linking people anew, many at once: after an app registration, a tenant or a provider's subjects were replaced.

At Entra the key of an account is tenant and object ID, so that a new app registration in the same tenant changes
nothing. A move to another tenant changes the issuer, and with it every key. Elsewhere a subject may be pairwise (OpenID
Connect Core 1.0, section 8): then a new client gets other subjects from the same issuer.

Links are either forgotten, so that the first-link ladder makes them anew, or mapped to the new accounts.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError
from django.db.models import QuerySet

from idp.errors import ChangedMeanwhile
from idp.impact import ProviderImpact, require_confirmed
from idp.link_files import Lines, Person, chunks, find_in, people_by_email, read_lines, refuse_repeated
from idp.links import keep_provider, lock_sessions
from idp.models import FederatedIdentity, IdentityProvider
from idp.pre_linking import subjects_of
from idp.relink_impact import forget_impact, links_in_scope, map_impact, sessions_to_end
from users import sessions
from users.audit import Actor, audited, record, record_all
from users.bulk import BATCH, insert_like
from users.models import User
from users.permissions import Permission
from users.services import require
from users.sessions import live_sessions

BY_EMAIL = ("company_email", "new_object_id")
HEADERS = (BY_EMAIL, ("company_email", "object_id"), ("company_email", "new_subject"))
HEADERS_BY_ACCOUNT = (("old_object_id", "new_object_id"), ("old_subject", "new_subject"))


@audited("idp.identities.forgotten")
def forget_links(
    *, actor: Actor, provider: IdentityProvider, every: bool, understood: bool, fingerprint: str | None = None
) -> ProviderImpact:
    """Remove the links to a former issuer, or every link, so that people are linked anew when they next sign in.

    Args:
        every: also the links to the present issuer, for a provider whose subjects all changed.
        understood, fingerprint: as in `idp.impact.confirmed`.

    Raises:
        ImpactNotConfirmed, ImpactChanged: not what was confirmed.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    provider = keep_provider(provider)
    impact = forget_impact(provider, every=every)
    require_confirmed(impact, understood=understood, fingerprint=fingerprint)
    links = links_in_scope(provider, every=every)
    lock_sessions(provider_id=provider.pk)
    _record_unlinked(actor, provider, links)
    links.delete()
    ended = sessions_to_end(provider, every=every).delete()[0]
    details = {**impact.numbers(), "sessions_ended": ended, "scope": impact.basis}
    record("idp.identities.forgotten", actor=actor, target=provider, details=details)
    return impact


def _record_unlinked(actor: Actor, provider: IdentityProvider, links: "QuerySet[FederatedIdentity]") -> None:
    named = links.values_list("subject", *(f"person__{name}" for name in Person._fields))
    rows = (
        (person.pk, person.label, {"provider": provider.name, "subject": subject, "rule": "relink"})
        for subject, person in ((row[0], Person._make(row[1:])) for row in named.iterator(chunk_size=BATCH))
    )
    record_all("idp.identity.unlinked", actor=actor, kind=User, rows=rows)


class Held(NamedTuple):
    """A link as it stands, with its person."""

    pk: UUID
    issuer: str
    subject: str
    email: str
    display_name: str
    created_at: datetime
    last_sign_in_at: datetime | None
    person: Person


class Move(NamedTuple):
    """A link, and the subject that it gets at the provider's present issuer."""

    link: Held
    subject: str


@audited("idp.identities.mapped")
def map_links(
    *,
    actor: Actor,
    provider: IdentityProvider,
    lines: str,
    understood: bool = False,
    fingerprint: str | None = None,
    dry_run: bool = False,
) -> ProviderImpact:
    """Give links the subjects of the new accounts at the provider's present issuer: all lines, or none.

    Args:
        lines: CSV of `old_object_id,new_object_id` (or subjects), or of `company_email,new_object_id`. Without one of
            these as its first line, an @ in the first value says which.
        understood, fingerprint: as in `idp.impact.confirmed`.
        dry_run: check, compute the impact, and change nothing.

    Raises:
        LinkFileEmpty, LinkFileTooLong.
        LinkFileRefused: some lines cannot be done; its `problems` say which and why.
        ImpactNotConfirmed, ImpactChanged: not what was confirmed.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    provider = keep_provider(provider)
    found = read_lines(lines, headers=(*HEADERS, *HEADERS_BY_ACCOUNT))
    subjects = subjects_of(found, provider)
    links = _links_by_email(found, provider) if _is_by_email(found) else _links_by_account(found, provider)
    moves = _moves(found, provider, links, subjects)
    found.raise_problems()
    impact = _impact(provider, moves, unchanged=len(found.lines) - len(moves))
    if dry_run:
        return impact
    require_confirmed(impact, understood=understood, fingerprint=fingerprint)
    if moves:
        _move(actor, provider, moves)
        record("idp.identities.mapped", actor=actor, target=provider, details=impact.numbers())
    return impact


def _impact(provider: IdentityProvider, moves: list[Move], *, unchanged: int) -> ProviderImpact:
    """Compute what the moves change."""
    people = [move.link.person.pk for move in moves]
    ended = sum(live_sessions(provider_id=provider.pk, person__in=chunk) for chunk in chunks(people))
    wanted = [[str(move.link.pk), move.subject] for move in moves]
    digest = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()
    return map_impact(provider, moved=len(moves), unchanged=unchanged, sessions=ended, basis=digest)


def _is_by_email(found: Lines) -> bool:
    if found.header is not None:
        return found.header in HEADERS
    return bool(found.lines) and "@" in found.lines[0].first


def _links_by_email(found: Lines, provider: IdentityProvider) -> dict[int, Held]:
    """Return the link of each line's person: at the present issuer, or else the newest at a former one."""
    people = people_by_email(found)
    refuse_repeated(found, lambda line: line.first.lower(), "this company email")

    def rank(link: Held) -> tuple[bool, datetime]:
        return (link.issuer == provider.issuer, link.created_at)

    links: dict[UUID, Held] = {}
    for link in _held(provider, "person", {person.pk for person in people.values()}):
        links[link.person.pk] = max(links.get(link.person.pk, link), link, key=rank)
    for number, person in people.items():
        if person.pk not in links:
            found.refuse(number, f"{person.company_email} has no link that could be moved; use pre-link")
    return {number: links[person.pk] for number, person in people.items() if person.pk in links}


def _links_by_account(found: Lines, provider: IdentityProvider) -> dict[int, Held]:
    """Return the link of each line's old account. Entra's object IDs are looked up without their tenant as well."""
    refuse_repeated(found, lambda line: line.first.lower() if provider.is_entra else line.first, "the old account")
    prefixes = [""]
    if provider.is_entra:  # https://…/<tenant id>/v2.0
        issuers = FederatedIdentity.objects.filter(provider=provider).values_list("issuer", flat=True).distinct()
        prefixes += [f"{issuer.removesuffix('/v2.0').rpartition('/')[2]}.".lower() for issuer in issuers]
    wanted: dict[str, int] = {}
    for line in found.lines:
        old = line.first.lower() if provider.is_entra else line.first
        for prefix in prefixes:
            wanted.setdefault(f"{prefix}{old}", line.number)
    links: dict[int, Held] = {}
    for link in _held(provider, "subject", wanted):
        number = wanted[link.subject]
        if number not in links or link.issuer == provider.issuer:
            links[number] = link
    for line in found.lines:
        if line.number not in links:
            found.refuse(line.number, f"no link has the old account {line.first[:100]}")
    return links


def _held(provider: IdentityProvider, column: str, values: Iterable[object]) -> Iterator[Held]:
    """Yield the provider's links whose column has one of many values."""
    links = FederatedIdentity.objects.filter(provider=provider)
    rows = links.values_list(*_OWN, *(f"person__{name}" for name in Person._fields))
    for row in find_in(rows, column, values):
        yield Held._make((*row[: len(_OWN)], Person._make(row[len(_OWN) :])))


_OWN = Held._fields[:-1]


def _moves(found: Lines, provider: IdentityProvider, links: dict[int, Held], subjects: dict[int, str]) -> list[Move]:
    """Return what changes, and note the lines that another link or line stands in the way of."""
    wanted = {number: link for number, link in links.items() if number in subjects}
    moving = {link.pk for link in wanted.values()}
    present = FederatedIdentity.objects.filter(issuer=provider.issuer)
    accounts = present.values_list("pk", "subject", "person__company_email")
    holders = find_in(accounts, "subject", subjects.values())
    taken = {subject: email for pk, subject, email in holders if pk not in moving}
    people = {link.person.pk for link in wanted.values()}
    owners = find_in(present.values_list("pk", "person_id"), "person", people)
    staying = {person for pk, person in owners if pk not in moving}
    seen: set[UUID] = set()
    moves = []
    for number, link in wanted.items():
        email, subject = link.person.company_email, subjects[number]
        if link.person.admin_role is not None:
            found.refuse(number, f"{email} is an administrator, who never signs in through a provider")
        elif subject in taken:
            found.refuse(number, f"the new account is linked to {taken[subject]} already")
        elif link.person.pk in staying or link.person.pk in seen:
            found.refuse(number, f"{email} is linked to another account of the present issuer already")
        elif (link.issuer, link.subject) != (provider.issuer, subject):
            moves.append(Move(link, subject))
        seen.add(link.person.pk)
    return moves


def _move(actor: Actor, provider: IdentityProvider, moves: list[Move]) -> None:
    """Replace the links by new ones under the same ids, and end the sessions that rested on the old accounts.

    Removed first and inserted then: in an update two people who swap accounts would collide half-way.
    """
    for chunk in chunks(moves):
        people = [move.link.person.pk for move in chunk]
        lock_sessions(provider_id=provider.pk, person__in=people)
    for chunk in chunks(moves):
        FederatedIdentity.objects.filter(pk__in=[move.link.pk for move in chunk]).delete()
    try:
        _insert(provider, moves)
    except IntegrityError as error:
        raise ChangedMeanwhile() from error  # by way of another provider with the same issuer
    for chunk in chunks(moves):
        sessions.end_sessions(provider_id=provider.pk, person__in=[move.link.person.pk for move in chunk])
    details = {"provider": provider.name, "rule": "relink"}
    rows = (
        (
            move.link.person.pk,
            move.link.person.label,
            {**details, "subject": move.subject, "former_subject": move.link.subject},
        )
        for move in moves
    )
    record_all("idp.identity.linked", actor=actor, kind=User, rows=rows)


def _insert(provider: IdentityProvider, moves: list[Move]) -> None:
    """Insert the links as they will be; email and name are the old account's until the next sign-in."""
    kept = ("email", "display_name", "created_at", "last_sign_in_at")
    rows = (
        (move.link.pk, move.link.person.pk, move.subject, *(getattr(move.link, name) for name in kept))
        for move in moves
    )
    template = FederatedIdentity(provider=provider, issuer=provider.issuer, rule="relink")
    insert_like(template, ("id", "person", "subject", *kept), rows)
