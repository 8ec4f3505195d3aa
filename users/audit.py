"""The audit log: who did what, to whom, and how it ended."""

import getpass
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import models, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from users.announcing import announce
from users.bulk import insert_like
from users.errors import DirectoryError
from users.lockout import network_of
from users.models import AuditEvent, Outcome, User
from users.networks import in_network
from users.plain_sql import insert

# The first refusals of one kind from one address have rows of their own; after that they are counted in the last one.
FOLD_AFTER = 10
FLOOD_AFTER = 25
FOLD_WINDOW = timedelta(minutes=10)

# Key, label and details of one of many targets.
BulkRow = tuple[uuid.UUID, str, Mapping[str, Any]]

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Actor:
    """Who acts, and from where.

    Attributes:
        person: the signed-in person, or None for an operator, an unknown visitor, or Gatehouse itself.
        label: how the audit log names the actor.
        client_ip: the address of the browser; None for a command.
        request_id: the reference number of the request.
        is_operator: whether the act comes from a shell on the server, where every right is held already.
    """

    person: User | None
    label: str
    client_ip: str | None = None
    request_id: str = ""
    is_operator: bool = False

    def as_person(self, person: User) -> "Actor":
        """Return the same origin under a person's name, once it is known whose act it is."""
        return replace(self, person=person, label=person.label)


def operator() -> Actor:
    """Return the actor of a `manage.py` command: the operating system's user."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return Actor(person=None, label=f"operator ({name})", request_id=new_reference(), is_operator=True)


def new_reference() -> str:
    """Return a fresh reference number: 12 characters that can be read out on the telephone."""
    digits = uuid.uuid4().hex[:12].upper()
    return f"{digits[:4]}-{digits[4:8]}-{digits[8:]}"


def record(
    action: str,
    *,
    actor: Actor,
    target: models.Model | None = None,
    error: DirectoryError | None = None,
    details: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Write one row, in the caller's transaction if there is one, and return it without its number.

    Args:
        action: dotted, such as `idp.provider.activated`.
        actor: who acts.
        target: what it is done to; its type, key and label are copied.
        error: the refusal, if it was one.
        details: further safe facts, JSON-able. Never a secret.
    """
    event = _event(action, actor, target, error, details)
    if error and actor.person is None and actor.client_ip:
        folded = _fold(event)
        if folded is not None:
            announce(event, reference=folded.request_id)
            return folded
    insert(event)
    announce(event)
    return event


def record_all(action: str, *, actor: Actor, kind: type[models.Model], rows: Iterable[BulkRow]) -> int:
    """Write one row for each target of a bulk act, in the caller's transaction, and return how many there were.

    Args:
        kind: what the targets are.
        rows: key and label of each, with further safe facts.
    """
    template = _event(action, actor, None, None, None)
    template.target_type = kind._meta.model_name or ""
    values = (
        (str(key), _clip(label), _plain(details), _searched(details, _clip(label))) for key, label, details in rows
    )
    written = insert_like(template, ("target_id", "target_label", "details", "about"), values)
    if written:
        announce(template, count=written)
    return written


def _event(
    action: str,
    actor: Actor,
    target: models.Model | None,
    error: DirectoryError | None,
    details: Mapping[str, Any] | None,
) -> AuditEvent:
    facts = _plain({**(error.context if error else {}), **_advice(error), **(details or {})})
    label = _clip(str(getattr(target, "label", target))) if target else ""
    acts_on_self = target is not None and actor.person is not None and target.pk == actor.person.pk
    return AuditEvent(
        action=action,
        outcome=Outcome.REFUSED if error else Outcome.SUCCESS,
        error_code=error.code if error else "",
        actor_id=actor.person.pk if actor.person else None,
        actor_label=_clip(actor.label),
        target_type=target._meta.model_name or "" if target else "",
        target_id=str(target.pk) if target else "",
        target_label=label,
        client_ip=actor.client_ip,
        request_id=actor.request_id,
        details=facts,
        about=_searched(facts, "" if acts_on_self else label),
    )


def _searched(details: Mapping[str, Any], label: str) -> str | None:
    """Return what a search finds a row by besides keys: the email that it is about, or else the target's label."""
    email = details.get("email") or details.get("person")
    text = email if isinstance(email, str) else label
    return _clip(text.strip().lower()) or None


def _advice(error: DirectoryError | None) -> dict[str, str]:
    """Return what administrators read of a refusal where a person reads less: the log is where they look it up."""
    cause = getattr(error, "admin_detail", "")
    if error is None or not cause:
        return {}
    advice = {"cause": cause, "cure": getattr(error, "admin_hint", ""), "field": error.field}
    return {name: text for name, text in advice.items() if text}


def _fold(event: AuditEvent) -> AuditEvent | None:
    """Count a further anonymous refusal in the newest row of its kind, if there are many of them already.

    Of one kind are refusals about the same account: colleagues behind one address keep rows and reference numbers of
    their own, and nobody hides guesses at one account behind noise about another. Beyond a larger number everything
    from the address is one kind, so that inventing accounts does not fill the log either. An address of IPv6 stands for
    its /64, as it does where requests and failures are counted: whoever has one address there has all of them.
    """
    same = AuditEvent.objects.filter(
        action=event.action,
        error_code=event.error_code,
        at__gte=timezone.now() - FOLD_WINDOW,
        actor_id__isnull=True,
    )
    network = network_of(event.client_ip) or ""
    # Refusals of one kind within the window are few: no index of addresses is needed to look through them.
    nearby = in_network(None, "client_ip", f"{network}/64") if ":" in network else Q(client_ip=event.client_ip)
    recent = list(same.filter(nearby).order_by("-at", "-id")[:FLOOD_AFTER])
    account = event.details.get("email")
    alike = [row for row in recent if row.details.get("email") == account]
    if len(alike) < FOLD_AFTER and len(recent) < FLOOD_AFTER:
        return None
    newest = alike[0] if len(alike) >= FOLD_AFTER else recent[0]
    # The clocks of two processes may differ, and the database lets this moment only advance.
    latest = Greatest(F("last_at"), Value(timezone.now(), models.DateTimeField()))
    AuditEvent.objects.filter(pk=newest.pk).update(occurrences=F("occurrences") + 1, last_at=latest)
    return newest


def audited(action: str, *, atomic: bool = True) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a service atomic, and record its refusal under the same action after everything it did was rolled back.

    The service takes `actor` by keyword, and its target as `provider`, `person` or `group`. Its success is recorded by
    itself, with details that only it knows, in its own transaction.

    Args:
        atomic: False for a service that asks the provider first: no transaction is held while the network answers;
            the service opens one for its change.
    """

    def decorate(service: Callable[P, R]) -> Callable[P, R]:
        @wraps(service)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                with transaction.atomic() if atomic else nullcontext():
                    return service(*args, **kwargs)
            except DirectoryError as error:
                record_refusal(action, actor=kwargs["actor"], target=_target_of(kwargs), error=error)  # type: ignore[arg-type]
                raise

        return wrapper

    return decorate


def record_refusal(
    action: str,
    *,
    actor: Actor,
    error: DirectoryError,
    target: models.Model | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Record a refusal once, and give the error the reference number under which the row can be found.

    A refusal that passes through several services is recorded by the innermost that is not rolled back: what was
    recorded within a transaction that the refusal has left since is gone.
    """
    depth = len(transaction.get_connection().atomic_blocks)
    if error.reference and depth >= error.recorded_at_depth:
        return
    event = record(action, actor=actor, target=target, error=error, details=details)
    error.reference, error.recorded_at_depth = event.request_id, depth


def _target_of(kwargs: Mapping[str, Any]) -> models.Model | None:
    """Return the first saved row among a service's arguments: what the act was about."""
    for name in ("provider", "person", "group"):
        value = kwargs.get(name)
        if isinstance(value, models.Model) and value.pk:
            return value
    return None


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the details as JSON-able values of bounded length."""
    return {key: _plain_value(value) for key, value in values.items()}


def _plain_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain_value(item) for item in list(value)[:50]]
    if isinstance(value, Mapping):
        return _plain(value)
    return _clip(str(value), 500)


def _clip(text: str, length: int = 255) -> str:
    """Return the text in at most `length` characters, without NUL and lone surrogates: PostgreSQL refuses both."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")[:length]
