"""Lists and numbers of links: searched, sorted and paged in the database, however many there are."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from idp.models import FederatedIdentity, IdentityProvider, PendingLink, Status
from idp.pending_links import pending_of
from idp.relink_impact import links_in_scope, with_domain
from users.models import User
from users.prefixes import starts_with

PAGE_SIZE = 15
# So many that a search finds are put into a statement by their keys.
FEW = 400
SORTS = {"recent": "Last sign-in", "since": "Newest link", "email": "Company email"}
RULES = {
    "external_id": "External ID",
    "email": "Company email",
    "created": "Added at the first sign-in",
    "administrator": "An administrator, from the pending links",
    "pre_link": "Pre-linked",
    "relink": "Linked anew in bulk",
}
_NEVER = "never"


@dataclass(frozen=True)
class Page:
    """One page of a list, and where the next begins, or "" after the last."""

    rows: Sequence[FederatedIdentity]
    next: str


def links_of(
    provider: IdentityProvider, *, search: str = "", sort: str = "recent", after: str = "", limit: int = PAGE_SIZE
) -> Page:
    """Return a page of a provider's links. Pages by key, so that page 1,000 costs what page 1 does.

    Args:
        search: the beginning of a company email, a user name, or an object ID (subject).
        sort: one of `SORTS`.
        after: the `next` of the page before; what is none means the first page.
    """
    links = FederatedIdentity.objects.filter(provider=provider).select_related("person")
    if search:
        links = _fitting(links, provider, search)
    key = _parse(after, sort)
    if sort == "email":
        rows = _by_email(links, key, limit)
    elif sort == "since":
        rows = _by_time(links, "created_at", key, limit)
    else:
        rows = _by_sign_in(links, key, limit)
    more = len(rows) > limit
    return Page(rows[:limit], _key_of(rows[limit - 1], sort) if more else "")


Key = tuple[str | datetime, uuid.UUID] | None
Links = QuerySet[FederatedIdentity]


def _fitting(links: Links, provider: IdentityProvider, search: str) -> Links:
    """Return the links that a search means.

    Few are looked up, each by its index. Where many fit, the list is walked in its own order until a page is full:
    to find them all first, and then to sort them, would take seconds with a million.
    """
    text = search.strip()
    if not text or "\x00" in text:
        return links.none()
    lowered = text.lower()
    subject = starts_with("subject", text)
    if provider.is_entra:
        subject = starts_with("subject", lowered) | starts_with("subject", f"{provider.tenant_id}.{lowered}".lower())
    named = starts_with("company_email", lowered) | starts_with("user_name", lowered)
    people = list(User.objects.filter(named).values_list("pk", flat=True)[: FEW + 1])
    accounts = list(links.filter(subject).order_by().values_list("pk", flat=True)[: FEW + 1])
    if len(people) <= FEW and len(accounts) <= FEW:
        return links.filter(Q(person__in=people) | Q(pk__in=accounts))
    theirs = starts_with("person__company_email", lowered) | starts_with("person__user_name", lowered)
    return links.filter(theirs | subject)


def _by_email(links: Links, key: Key, limit: int) -> list[FederatedIdentity]:
    # Also the first page begins somewhere: by that the database sees that the index on emails has the order wanted.
    email, pk = key or ("", uuid.UUID(int=0))
    beyond = Q(person__company_email__gt=email) | Q(person__company_email=email, pk__gt=pk)
    return list(
        links.filter(beyond, person__company_email__gte=email).order_by("person__company_email", "pk")[: limit + 1]
    )


def _by_time(links: Links, column: str, key: Key, limit: int) -> list[FederatedIdentity]:
    if key is not None:
        at, pk = key
        beyond = Q(**{f"{column}__lt": at}) | Q(**{column: at, "pk__lt": pk})
        links = links.filter(beyond, **{f"{column}__lte": at})
    return list(links.order_by(f"-{column}", "-pk")[: limit + 1])


def _by_sign_in(links: Links, key: Key, limit: int) -> list[FederatedIdentity]:
    """Return the newest sign-ins first, and at the end those who never signed in: two queries that an index answers."""
    never = links.filter(last_sign_in_at=None).order_by("-last_sign_in_at", "-pk")
    if key is not None and key[0] == _NEVER:
        return list(never.filter(pk__lt=key[1])[: limit + 1])
    rows = _by_time(links.filter(last_sign_in_at__isnull=False), "last_sign_in_at", key, limit)
    return rows if len(rows) > limit else [*rows, *never[: limit + 1 - len(rows)]]


def _key_of(link: FederatedIdentity, sort: str) -> str:
    if sort == "email":
        return f"{link.person.company_email}~{link.pk}"
    at = link.created_at if sort == "since" else link.last_sign_in_at
    return f"{at.isoformat() if at else _NEVER}~{link.pk}"


def _parse(after: str, sort: str) -> Key:
    value, _, pk = after.rpartition("~")
    try:
        key = uuid.UUID(pk)
        if sort == "email":
            return (value, key) if "\x00" not in value else None
        if sort == "recent" and value == _NEVER:
            return (_NEVER, key)
        at = datetime.fromisoformat(value)
        # In UTC, as databases keep it: the first and the last day of all time may have no such form.
        return ((at if timezone.is_aware(at) else timezone.make_aware(at)).astimezone(UTC), key)
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True)
class Summary:
    """What a provider's page says about its links.

    Attributes:
        domains: each verified domain, with how many active people have a company email there.
        outside: how many active people have theirs in none of them; None where any domain will do.
        former: how many links belong to an issuer that is not the provider's any more.
    """

    links: int
    former: int
    pending: int
    domains: tuple[tuple[str, int], ...]
    outside: int | None


def summary_of(provider: IdentityProvider) -> Summary:
    """Count a provider's links, and the active people (without administrators) in each of its verified domains."""
    active = User.objects.without_role().active()
    inside = with_domain(active).filter(email_domain__in=provider.email_domains).order_by()
    counts = dict(inside.values_list("email_domain").annotate(count=Count("pk"))) if provider.email_domains else {}
    return Summary(
        links=FederatedIdentity.objects.filter(provider=provider).count(),
        former=links_in_scope(provider, every=False).count(),
        pending=pending_of(provider).count(),
        domains=tuple((domain, counts.get(domain, 0)) for domain in provider.email_domains),
        outside=active.count() - sum(counts.values()) if provider.email_domains else None,
    )


def pending_page(
    provider: IdentityProvider, *, dismissed: bool, after: str = "", limit: int = PAGE_SIZE
) -> tuple[list[PendingLink], str]:
    """Return a page of the accounts that wait (or were dismissed), and where the next begins."""
    rows = pending_of(provider, dismissed=dismissed)
    key = _parse(after, "since")
    if key is not None:
        at, pk = key
        rows = rows.filter(Q(last_seen_at__lt=at) | Q(last_seen_at=at, pk__lt=pk))
    page = list(rows[: limit + 1])
    more = len(page) > limit
    return page[:limit], f"{page[limit - 1].last_seen_at.isoformat()}~{page[limit - 1].pk}" if more else ""


def people_beginning_with(text: str, limit: int = 8) -> list[User]:
    """Return the first few people whose company email or user name begins with a text, for choosing one."""
    lowered = text.strip().lower()
    if not lowered or "\x00" in lowered:
        return []
    wanted = starts_with("company_email", lowered) | starts_with("user_name", lowered)
    return list(User.objects.without_role().filter(wanted).order_by("company_email")[:limit])


def people_with_pending_links(limit: int = 1000) -> list[uuid.UUID]:
    """Return the people whom an account that waits for its link probably belongs to: by its email, or by the reason."""
    emails: set[str] = set()
    waiting = PendingLink.objects.filter(dismissed_at=None, provider__status=Status.ACTIVE)
    for email, facts in waiting.order_by("-last_seen_at").values_list("email", "facts")[:limit]:
        named = [email, facts.get("person"), *facts.get("people", [])]
        emails |= {str(name).lower() for name in named if name}
    return list(User.objects.filter(company_email__in=emails).values_list("pk", flat=True)[:limit])
