"""Who stands behind the numbers of an impact: by name, with how each would be matched, or why not.

The database decides of each person, in one statement: a page of the list costs what one page does, and the file of a
million people is written in batches.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, Value, When

from idp.impact import Act, ProviderImpact
from idp.models import FederatedIdentity, IdentityProvider
from idp.routing_plan import with_ways
from users.audit import Actor, record
from users.csv_safety import safe_line
from users.models import State, User
from users.permissions import Permission
from users.schedules import apply_scheduled_states
from users.services import require

PAGE_SIZE = 50
BATCH = 1000
COLUMNS = ("company_email", "display_name", "state", "signs_in_now", "would_sign_in", "matched", "why")
LOCAL = "Gatehouse password"


class Verdict(StrEnum):
    """What an act means for one person; those who are sent to the provider first."""

    LINK = "link"
    EXTERNAL_ID = "external_id"
    EMAIL = "email"
    OUTSIDE_DOMAINS = "outside_domains"
    ELSEWHERE = "elsewhere"
    EXCEPTED = "excepted"
    NO_POLICY = "no_policy"
    BACK_TO_PASSWORD = "back_to_password"  # noqa: S105  (an outcome)
    LOCKED_OUT = "locked_out"
    STAGED = "staged"
    SUSPENDED = "suspended"
    ADMINISTRATOR = "administrator"

    @property
    def words(self) -> str:
        """What it means, in a sentence."""
        return _WORDS[self]

    @property
    def short(self) -> str:
        """What the list's filter calls it."""
        return _SHORT[self]

    @property
    def tone(self) -> str:
        """How good or bad that is for whom it concerns."""
        return _TONES.get(self, "neutral")


_WORDS = {
    Verdict.LINK: "Matched by the link that an earlier sign-in made.",
    Verdict.EXTERNAL_ID: "Will be matched by external ID, if it is the object ID of the account.",
    Verdict.EMAIL: "Will be matched by company email, if the provider vouches for it.",
    Verdict.OUTSIDE_DOMAINS: "Cannot be matched: the company email is outside the provider's email domains.",
    Verdict.ELSEWHERE: "A routing policy sends them to another identity provider.",
    Verdict.EXCEPTED: "Keeps the local sign-in: a routing policy excepts them.",
    Verdict.NO_POLICY: "Keeps the local sign-in: no routing policy takes them.",
    Verdict.BACK_TO_PASSWORD: "Signs in with the Gatehouse password again.",
    Verdict.LOCKED_OUT: "Cannot get in any more: there is no Gatehouse password.",
    Verdict.STAGED: "Stays out until activated.",
    Verdict.SUSPENDED: "Stays out: suspended.",
    Verdict.ADMINISTRATOR: "Keeps the local sign-in: administrators are never sent to a provider.",
}
_SHORT = {
    Verdict.LINK: "Matched by link",
    Verdict.EXTERNAL_ID: "Matched by external ID",
    Verdict.EMAIL: "Matched by company email",
    Verdict.OUTSIDE_DOMAINS: "Outside the email domains",
    Verdict.ELSEWHERE: "Another provider",
    Verdict.EXCEPTED: "Local by exception",
    Verdict.NO_POLICY: "Local, no policy",
    Verdict.BACK_TO_PASSWORD: "Back to passwords",
    Verdict.LOCKED_OUT: "Locked out",
    Verdict.STAGED: "Staged",
    Verdict.SUSPENDED: "Suspended",
    Verdict.ADMINISTRATOR: "Administrators",
}
_TONES = {
    Verdict.LINK: "success",
    Verdict.OUTSIDE_DOMAINS: "danger",
    Verdict.LOCKED_OUT: "danger",
    Verdict.ELSEWHERE: "warning",
}
_MATCHED = frozenset({Verdict.LINK, Verdict.EXTERNAL_ID, Verdict.EMAIL})
_OUT = frozenset({Verdict.LOCKED_OUT, Verdict.STAGED, Verdict.SUSPENDED})


@dataclass(frozen=True)
class Concerned:
    """One person whom an act concerns.

    Attributes:
        now, then: the name of the provider with which she signs in, or LOCAL; "" where she cannot.
    """

    person: User
    verdict: Verdict
    now: str
    then: str


@dataclass(frozen=True)
class Page:
    """One page of the list, and the company email behind which the next begins, or "" after the last."""

    rows: Sequence[Concerned]
    next: str


def counts_of(impact: ProviderImpact, provider: IdentityProvider) -> dict[Verdict, int]:
    """Count whom an act concerns by what it means for them; what concerns nobody is left out."""
    apply_scheduled_states()
    rows = _people(impact, provider).order_by().values_list("verdict").annotate(count=Count("pk"))
    found = dict(rows)
    return {verdict: found[verdict.value] for verdict in Verdict if found.get(verdict.value)}


def page_of(
    impact: ProviderImpact,
    provider: IdentityProvider,
    *,
    verdict: Verdict | None = None,
    after: str = "",
    limit: int = PAGE_SIZE,
) -> Page:
    """Return a page of whom an act concerns, by company email.

    Args:
        verdict: only those for whom it means this.
        after: the `next` of the page before, or "".
    """
    people = _people(impact, provider)
    if verdict is not None:
        people = people.filter(verdict=verdict.value)
    rows = list(people.filter(company_email__gt=after)[: limit + 1] if after else people[: limit + 1])
    names = _names()
    shown = [_concerned(row, names) for row in rows[:limit]]
    return Page(shown, rows[limit - 1].company_email if len(rows) > limit else "")


def export(*, actor: Actor, impact: ProviderImpact, provider: IdentityProvider) -> Iterator[str]:
    """Return the lines of a CSV file with everybody whom an act concerns. The audit log knows of it before they leave.

    Raises:
        PermissionRefused: the actor may not do such acts.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    record("idp.impact.exported", actor=actor, target=provider, details={"act": impact.act, **impact.numbers()})
    return _lines(impact, provider)


def _lines(impact: ProviderImpact, provider: IdentityProvider) -> Iterator[str]:
    # Spreadsheets take a file for UTF-8 by its mark alone.
    yield f"\ufeff{','.join(COLUMNS)}\r\n"
    after, more = "", True
    while more:
        page = page_of(impact, provider, after=after, limit=BATCH)
        yield "".join(safe_line(cells_of(row)) for row in page.rows)
        after, more = page.next, bool(page.next)


def cells_of(row: Concerned) -> list[str]:
    """Return what the file and the command say of one person, as `COLUMNS` calls it."""
    person, matched = row.person, row.verdict.value if row.verdict in _MATCHED else ""
    state = str(person.effective_state)
    return [person.company_email, person.display_name, state, row.now, row.then, matched, row.verdict.words]


def _people(impact: ProviderImpact, provider: IdentityProvider) -> Any:
    """Return whom an act concerns with `before`, `after` and `verdict`: an activation everybody, others who move."""
    people = with_ways(User.objects.all(), before=impact.before, after=impact.after)
    people = people.annotate(verdict=_verdict(impact, provider)).order_by("company_email")
    if impact.act == Act.ACTIVATE:
        return people
    gone = Q(before__isnull=False) & (Q(after__isnull=True) | ~Q(after=F("before")))
    come = Q(before__isnull=True, after__isnull=False)
    return people.filter(gone | come, admin_role__isnull=True, state=State.ACTIVE)


def _verdict(impact: ProviderImpact, provider: IdentityProvider) -> Any:
    linked = Exists(FederatedIdentity.objects.filter(person=OuterRef("pk"), issuer=provider.issuer))
    here, unusable = Q(after=provider.pk), Q(password__startswith="!") | Q(password="")  # noqa: S106
    cases = [
        (Q(admin_role__isnull=False), Verdict.ADMINISTRATOR),
        (Q(state=State.SUSPENDED), Verdict.SUSPENDED),
        (Q(state=State.STAGED), Verdict.STAGED),
        (here & linked, Verdict.LINK),
    ]
    if provider.is_entra:  # elsewhere no external ID is looked at: a subject is not unique in the world
        cases.append((here & Q(external_id__isnull=False), Verdict.EXTERNAL_ID))
    if provider.email_domains:
        cases.append((here & ~Q(email_domain__in=provider.email_domains), Verdict.OUTSIDE_DOMAINS))
    cases += [
        (here, Verdict.EMAIL),
        (Q(after__isnull=False), Verdict.ELSEWHERE),
        (Q(before__isnull=False) & unusable, Verdict.LOCKED_OUT),
        (Q(before__isnull=False), Verdict.BACK_TO_PASSWORD),
    ]
    excepted = _excepted(impact)
    if excepted is not None:
        cases.append((excepted, Verdict.EXCEPTED))
    whens = [When(condition, then=Value(verdict.value)) for condition, verdict in cases]
    return Case(*whens, default=Value(Verdict.NO_POLICY.value), output_field=CharField())


def _excepted(impact: ProviderImpact) -> Q | None:
    """Return the condition that some policy in force excepts a person, or None where none excepts anybody."""
    found: Q | None = None
    for rule in impact.after:
        if rule.in_force and (rule.except_groups or rule.except_people):
            found = rule.exception() if found is None else found | rule.exception()
    return found


def _names() -> dict[Any, str]:
    return dict(IdentityProvider.objects.values_list("pk", "name"))


def _concerned(row: Any, names: dict[Any, str]) -> Concerned:
    verdict = Verdict(row.verdict)
    if verdict in _OUT - {Verdict.LOCKED_OUT}:
        return Concerned(row, verdict, "", "")
    if verdict == Verdict.ADMINISTRATOR:
        return Concerned(row, verdict, LOCAL, LOCAL)
    now = names.get(row.before, LOCAL)
    return Concerned(row, verdict, now, "" if verdict in _OUT else names.get(row.after, LOCAL))
