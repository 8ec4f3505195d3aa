"""What has to happen regularly, as tasks that fail each for itself: `manage.py housekeeping` runs them."""

import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone

from idp import expiry, guard_returns, health
from idp.models import HousekeepingTask, Rehearsal, SpentState
from users.announcing import acts_are_logged
from users.audit import Actor, new_reference
from users.counts import fold_counts
from users.errors import DirectoryError
from users.housekeeping import (
    prune_audit,
    prune_cache,
    prune_counts,
    prune_failures,
    prune_links,
    prune_sessions,
)
from users.log_context import LogContext, current, log_context
from users.people_import import finish_abandoned, prune_imports
from users.schedules import apply_scheduled_states
from users.sign_in_days import keep_days

REHEARSALS_KEPT = timedelta(days=30)

_logger = logging.getLogger("gatehouse.housekeeping")
Counts = Mapping[str, int]


@dataclass(frozen=True)
class Done:
    """How one task ended.

    Attributes:
        counts: what it did, by the word for it.
        error: why it failed, or None.
    """

    task: str
    counts: Counts = field(default_factory=dict)
    error: DirectoryError | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is printed for machines."""
        code, message = (self.error.code, self.error.message) if self.error else ("", "")
        counts = dict(self.counts)
        return {"task": self.task, "ok": self.error is None, "counts": counts, "code": code, "message": message}


class TaskFailed(DirectoryError):
    """A task met a defect of ours; the log has its details."""

    code = "idp.housekeeping.task_failed"
    message = "The task ended with {defect}."
    hint = "The log says more. The other tasks were run; the next housekeeping tries this one again."
    http_status = 500
    exit_status = 1


def keep_house(is_over: Callable[[], bool] = lambda: False) -> list[Done]:
    """Run every task, whatever becomes of the others, and return how each ended. Safe to run twice at once.

    Args:
        is_over: asked before each task; no further one begins once it says yes.
    """
    actor = Actor(person=None, label="Gatehouse housekeeping", request_id=new_reference(), is_operator=True)
    context = LogContext(request_id=actor.request_id, command="housekeeping", is_typed=current().is_typed)
    done = []
    with log_context(context):
        for name, task in TASKS.items():
            if is_over():
                break
            done.append(_run(name, task, actor))
    return done


def _run(name: str, task: Callable[[Actor], Counts], actor: Actor) -> Done:
    started = time.monotonic()
    try:
        done = Done(name, task(actor))
    except DirectoryError as error:
        done = Done(name, error=error)
    except Exception as defect:  # noqa: BLE001  (one task's defect must not leave the others undone)
        _logger.exception("housekeeping: %s failed", name)
        done = Done(name, error=TaskFailed(defect=type(defect).__name__))
    _tell(done, time.monotonic() - started)
    _note(done)
    return done


def _tell(done: Done, seconds: float) -> None:
    if not acts_are_logged():
        return
    fields = {"task": done.task, "duration": round(seconds, 4), "counts": dict(done.counts)}
    if done.error is not None:
        fields["code"] = done.error.code
    level, end = (logging.WARNING, "failed") if done.error else (logging.INFO, "ended well")
    _logger.log(level, "housekeeping: %s %s", done.task, end, extra={"fields": fields})


def _note(done: Done) -> None:
    """Write down that the task ran, for whoever watches. Without a database there is nothing to write it to."""
    now = timezone.now()
    row = HousekeepingTask(name=done.task, ran_at=now, succeeded_at=now, code="")
    fields = ["ran_at", "code", "succeeded_at"]
    if done.error is not None:
        row.code, row.succeeded_at = done.error.code, None
        fields.remove("succeeded_at")
    with contextlib.suppress(DatabaseError), transaction.atomic():
        HousekeepingTask.objects.bulk_create([row], update_conflicts=True, unique_fields=["name"], update_fields=fields)


def _providers(actor: Actor) -> Counts:
    return asdict(health.check_providers(actor))


def _guards(actor: Actor) -> Counts:
    return {"gone back": guard_returns.settle_guards(), "mails sent again": guard_returns.tell_again()}


def _mails(actor: Actor) -> Counts:
    return {"sent": expiry.send_due()}


def _sessions(actor: Actor) -> Counts:
    return {"removed": prune_sessions()}


def _scheduled(actor: Actor) -> Counts:
    return apply_scheduled_states(actor)


def _states(actor: Actor) -> Counts:
    return {"removed": SpentState.objects.filter(expires_at__lt=timezone.now()).delete()[0]}


def _rehearsals(actor: Actor) -> Counts:
    return {"removed": Rehearsal.objects.filter(started_at__lt=timezone.now() - REHEARSALS_KEPT).delete()[0]}


def _failures(actor: Actor) -> Counts:
    return {"removed": prune_failures()}


def _requests(actor: Actor) -> Counts:
    return {"removed": prune_counts()}


def _cache(actor: Actor) -> Counts:
    return {"removed": prune_cache()}


def _links(actor: Actor) -> Counts:
    return {"removed": prune_links()}


def _audit(actor: Actor) -> Counts:
    return {"removed": prune_audit(actor)}


def _people_counts(actor: Actor) -> Counts:
    return {"kept": fold_counts()}


def _imports(actor: Actor) -> Counts:
    return {"finished": finish_abandoned(actor), "removed": prune_imports()}


def _sign_in_days(actor: Actor) -> Counts:
    return {"counted": keep_days()}


TASKS: dict[str, Callable[[Actor], Counts]] = {
    "scheduled states": _scheduled,
    "identity providers": _providers,
    "guards": _guards,
    "expiry mails": _mails,
    "sessions": _sessions,
    "spent states": _states,
    "rehearsals": _rehearsals,
    "failed attempts": _failures,
    "counted requests": _requests,
    "cache": _cache,
    "sign-in days": _sign_in_days,
    "one-time links": _links,
    "audit log": _audit,
    "people counts": _people_counts,
    "people imports": _imports,
}
