"""Reading the audit log, newest first: any filter, any number of rows, in batches that an index answers."""

import contextlib
import heapq
import uuid
from collections.abc import Iterator
from datetime import datetime
from functools import reduce
from operator import or_

from django.db import connection
from django.db.models import BooleanField, DateTimeField, Func, Q, QuerySet, Value

from users.audit_filter import AuditFilter
from users.models import AuditEvent, Outcome, User
from users.networks import in_network

PAGE_SIZE = 25
# Rows that are fetched at once. No transaction is open between two batches, however slowly the reader reads.
BATCH = 1000
# A label may be that of several people.
NAMESAKES = 200

Place = tuple[datetime, int]


def find_events(
    wanted: AuditFilter, *, before: int | None = None, start: Place | None = None, batch: int = BATCH
) -> Iterator[AuditEvent]:
    """Yield the rows of the audit log that are wanted, newest first.

    Args:
        before: only those that come after the row with this number, for paging.
        start: only those that come after this place, in the place of `before`.
        batch: how many are fetched at once; a list that stops early asks for no more than it shows.
    """
    branches = branches_of(wanted)
    size = max(min(batch, BATCH), 1) if len(branches) == 1 else max(min(batch, BATCH // len(branches)), 20)
    if before is not None:
        start = AuditEvent.objects.filter(pk=before).values_list("at", "pk").first()
        if start is None:  # removed meanwhile, or never there
            branches = [branch.filter(pk__lt=before) for branch in branches]
    streams = [_newest_first(branch, start, size) for branch in branches]
    return heapq.merge(*streams, key=place_of, reverse=True)


def place_of(event: AuditEvent) -> Place:
    """Return a row's place in the log: by time, and by number where the time is the same."""
    return event.at, event.pk


def newest_place() -> Place | None:
    """Return the place of the newest row."""
    return AuditEvent.objects.order_by("-at", "-id").values_list("at", "pk").first()


def _newest_first(events: "QuerySet[AuditEvent]", start: Place | None, batch: int) -> Iterator[AuditEvent]:
    """Yield rows in batches, each of which begins at the place where the last one ended."""
    events = events.order_by("-at", "-id")
    while True:
        older = events
        if start:
            older = events.filter(_Older(_Pair("at", "id"), _Pair(Value(start[0], DateTimeField()), Value(start[1]))))
        rows = list(older[:batch])
        yield from rows
        if len(rows) < batch:
            return
        start = place_of(rows[-1])


class _Pair(Func):
    template = "(%(expressions)s)"
    output_field = BooleanField()


class _Older(Func):
    """Compares time and number as a pair: very many rows may share one moment, as those of an import do.

    Django's own comparison of tuples takes it apart on SQLite, where the index then finds nothing.
    """

    arity = 2
    arg_joiner = " < "
    template = "%(expressions)s"
    output_field = BooleanField()


def matching(wanted: AuditFilter) -> "QuerySet[AuditEvent]":
    """Return all rows that are wanted as one query, for those that are few already, such as new ones."""
    fixed, alternatives = _conditions(wanted)
    return AuditEvent.objects.filter(fixed, reduce(or_, alternatives, Q()))


def branches_of(wanted: AuditFilter) -> list["QuerySet[AuditEvent]"]:
    """Return the wanted rows as queries that have no row in common, each of which one index answers in order.

    No database answers an OR over several columns in the order of the log without looking at everything that fits.
    """
    fixed, alternatives = _conditions(wanted)
    events = AuditEvent.objects.filter(fixed)
    if not (wanted.person or wanted.actor):  # the alternatives are actions, of which a row has one
        return [events.filter(alternative) for alternative in alternatives] or [events]
    return [
        reduce(lambda rows, earlier: rows.exclude(earlier), alternatives[:number], events.filter(alternative))
        for number, alternative in enumerate(alternatives)
    ]


def _conditions(wanted: AuditFilter) -> tuple[Q, list[Q]]:
    """Return what must hold, and alternatives of which one must hold as well. No alternatives: all rows do."""
    fixed = _in_window(wanted)
    if wanted.outcome:
        fixed &= Q(outcome=wanted.outcome)
    if wanted.code:
        fixed &= Q(error_code=wanted.code, outcome=Outcome.REFUSED)
    if wanted.reference:
        fixed &= Q(request_id=wanted.reference)
    if wanted.address:
        fixed &= _from_address(wanted.address)
    choices = [
        _about(wanted.person) if wanted.person else [],
        _by(wanted.actor) if wanted.actor else [],
        [Q(action=action) for action in _actions_under(wanted.action)] if wanted.action else [],
    ]
    several = [alternatives for alternatives in choices if alternatives]
    # The first is walked branch by branch, being the narrowest; the others are checked on its rows.
    for alternatives in several[1:]:
        fixed &= reduce(or_, alternatives)
    return fixed, several[0] if several else []


def _in_window(wanted: AuditFilter) -> Q:
    since, until = wanted.window()
    within = Q(at__gte=since) if since else Q()
    return within & Q(at__lt=until) if until else within


def _from_address(address: str) -> Q:
    if "/" in address:
        return in_network(AuditEvent.objects.all(), "client_ip", address)
    return Q(client_ip=address)


def _about(identifier: str) -> list[Q]:
    """Return how a row can be about somebody: as its target, as its actor, or by a name that it holds."""
    keys = _keys_of(identifier)
    named = [Q(about=identifier.lower()), _operator(identifier)]
    return [Q(target_id__in=[str(key) for key in keys]), Q(actor_id__in=keys), *named] if keys else named


def _by(identifier: str) -> list[Q]:
    keys = _keys_of(identifier)
    return [Q(actor_id__in=keys), _operator(identifier)] if keys else [_operator(identifier)]


def _operator(label: str) -> Q:
    return Q(actor_id__isnull=True, actor_label=label)


def _keys_of(identifier: str) -> list[uuid.UUID]:
    """Return the keys of the people whom a name, email, user name or id means, those who are gone among them."""
    lowered = identifier.lower()
    keys: set[uuid.UUID] = set()
    for known in (Q(company_email=lowered), Q(user_name=lowered), Q(display_name=identifier)):
        keys.update(User.objects.filter(known).values_list("pk", flat=True)[:NAMESAKES])
    named = AuditEvent.objects.filter(about=lowered, target_type="user").order_by("-at", "-id")
    for key in named.values_list("target_id", flat=True)[:NAMESAKES]:
        with contextlib.suppress(ValueError):
            keys.add(uuid.UUID(key))
    with contextlib.suppress(ValueError):
        keys.add(uuid.UUID(identifier))
    return sorted(keys)


def _actions_under(prefix: str) -> list[str]:
    """Return the actions in the log that are meant; the prefix itself where there is none, which then finds nothing."""
    return [action for action in actions() if action == prefix or action.startswith(f"{prefix}.")] or [prefix]


def actions() -> list[str]:
    """Return the actions that the log holds. Goes from one to the next in the index, however many rows there are."""
    table = connection.ops.quote_name(AuditEvent._meta.db_table)
    following = f"SELECT MIN(action) FROM {table} WHERE action > known.action"  # noqa: S608  (our own name)
    statement = (
        f"WITH RECURSIVE known(action) AS (SELECT MIN(action) FROM {table} UNION ALL "  # noqa: S608
        f"SELECT ({following}) FROM known WHERE known.action IS NOT NULL) "
        "SELECT action FROM known WHERE action IS NOT NULL"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [action for (action,) in cursor.fetchall()]
