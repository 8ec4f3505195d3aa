"""A person's own sign-ins, out of the audit log: those that worked, and those that were refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice

from django.db.models import QuerySet

from users.error_words import words_of
from users.errors import CompanyEmailInvalid
from users.models import AuditEvent, Outcome, Realm, User
from users.names import normalise_email
from users.sessions import BREAK_GLASS, WHILE

SHOWN = 20
_PORTALS = {
    "portal.sign_in.succeeded": Realm.USER,
    "portal.sign_in.failed": Realm.USER,
    "admin_portal.sign_in.succeeded": Realm.ADMIN,
    "admin_portal.sign_in.failed": Realm.ADMIN,
}


@dataclass(frozen=True)
class SignIn:
    """One sign-in as its person sees it.

    Attributes:
        address: of the browser, "" where it is not known.
        browser: in words, "" for sign-ins from before it was noted.
        while_down: which provider was down when her password was taken in its place, in words, else "".
        by_break_glass: whether a break-glass link let her in, and no password.
        reason: why it was refused, in the words that were shown; "" for one that worked.
        times: how many refusals this line stands for; a flood of them is counted in one.
        reference: the number under which administrators find it.
    """

    at: datetime
    address: str
    browser: str
    portal: str
    succeeded: bool
    by_break_glass: bool
    while_down: str
    reason: str
    times: int
    reference: str


def account_holder(email: str) -> User | None:
    """Return the person whom a refused sign-in was about, or None: what was typed may be anything."""
    try:
        return User.objects.filter(company_email=normalise_email(email)).first()
    except CompanyEmailInvalid:
        return None


def recent_sign_ins(person: User, *, limit: int = SHOWN) -> list[SignIn]:
    """Return the newest sign-ins of a person or about her account, newest first.

    Two questions, each answered by an index: what was about her, and what she did that was about nobody (a provider's
    answer that was refused before it was known whose it was).
    """
    about = _newest(AuditEvent.objects.filter(target_id=str(person.pk)), limit)
    by_her = _newest(AuditEvent.objects.filter(actor_id=person.pk, target_id=""), limit)
    both: Iterator[AuditEvent] = merge(about, by_her, key=lambda event: -event.pk)
    return [_sign_in(event) for event in islice(both, limit)]


def sign_in_before(person: User, moment: datetime) -> SignIn | None:
    """Return the newest sign-in of a person that worked and was over before this moment, or None."""
    done = AuditEvent.objects.filter(target_id=str(person.pk), outcome=Outcome.SUCCESS, at__lt=moment)
    found = _newest(done, 1)
    return _sign_in(found[0]) if found else None


def _newest(events: "QuerySet[AuditEvent]", limit: int) -> list[AuditEvent]:
    return list(events.filter(action__in=_PORTALS).order_by("-id")[:limit])


def _sign_in(event: AuditEvent) -> SignIn:
    method = str(event.details.get("method", ""))
    return SignIn(
        at=event.last_at,
        address=event.client_ip or "",
        browser=str(event.details.get("browser", "")),
        portal=_PORTALS[event.action].label,
        succeeded=event.outcome == Outcome.SUCCESS,
        by_break_glass=method == BREAK_GLASS,
        while_down="".join(method.partition(WHILE)[1:]).strip(),
        reason=words_of(event.error_code) if event.error_code else "",
        times=event.occurrences,
        reference=event.request_id,
    )
