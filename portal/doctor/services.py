"""What Gatehouse needs beside its database: cache, mail, housekeeping, an administrator, and the providers."""

import secrets
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.core.cache import cache
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.utils import timezone

from idp import connection as connection_test
from idp.models import HousekeepingTask, IdentityProvider, Status
from idp.steps import Finding
from portal.doctor.database import DATABASE, MIGRATIONS
from portal.doctor.examination import Examination, not_ok, ok
from users import branding, mails
from users.administrators import needs_setup
from users.models import User

MAIL = "Mail"
_RUN_IT = "Enable the timer of deploy/systemd, or another one, that runs `manage.py housekeeping` every 15 minutes."
_READ_IT = "Run `manage.py housekeeping` by hand: it says of each task why it failed, and the log says more."
_TOO_LONG = timedelta(minutes=45)


def look_at_services(examination: Examination, *, mail_to: str) -> None:
    """Add the lines of what is beside the database.

    Args:
        mail_to: send a test mail there; nothing is sent where it is empty.
    """
    stored = (DATABASE, MIGRATIONS)
    examination.look("Cache", _cache, hint="Start the cache server, and compare CACHE_URL.")
    examination.look(MAIL, _mail, hint="Compare EMAIL_URL: scheme, host, port, user and password.")
    if mail_to:
        examination.look("Test mail", lambda: _send(mail_to), needs=(DATABASE, MAIL))
    examination.look("Administrator", _administrator, needs=stored)
    examination.look("Housekeeping", _housekeeping, needs=stored)


def look_at_providers(examination: Examination) -> None:
    """Add the lines of the providers that are not archived."""
    name = "Identity providers"
    providers = examination.look(name, _providers, needs=(DATABASE, MIGRATIONS))
    if providers:
        examination.steps.pop()
    for provider in providers or []:
        examination.look(f"Provider {provider.name}", partial(_provider, provider))


def _providers() -> Finding[list[IdentityProvider]]:
    found = list(IdentityProvider.objects.exclude(status=Status.ARCHIVED).order_by("created_at"))
    return Finding(found, "There is none yet.")


def _cache() -> Finding[None]:
    """Store a value and read it back."""
    key, value = f"doctor-{secrets.token_hex(8)}", secrets.token_hex(8)
    kind = str(settings.CACHES["default"]["BACKEND"]).rpartition(".")[2]
    try:
        cache.set(key, value, 60)
        kept = cache.get(key)
        cache.delete(key)
    except Exception as error:  # noqa: BLE001  (each cache backend has exceptions of its own)
        return not_ok(f"{kind} does not answer ({type(error).__name__}).", "Start the cache server; compare CACHE_URL.")
    if kept != value:
        return not_ok(f"{kind} does not keep what is stored.", "See whether its memory is full or it is a replica.")
    return ok(f"{kind} keeps what is stored.")


def _mail() -> Finding[None]:
    """Connect and sign in as for a mail, and send none."""
    sender = get_connection()
    if not isinstance(sender, EmailBackend):
        kind = settings.EMAIL_BACKEND.rpartition(".")[0].rpartition(".")[2]
        text = f"Mail is not sent anywhere ({kind}): invitations and links for new passwords reach nobody."
        return not_ok(text, "Set EMAIL_URL to your mail server, such as smtp+tls://user:password@host:587.", "warning")
    where = f"{sender.host}:{sender.port}"
    try:
        sender.open()
        status = sender.connection.noop()[0] if sender.connection else 0
    except mails.FAILURES as error:
        text = f"{where} does not take us: {mails.reason_of(error)}."
        return not_ok(text, "Compare EMAIL_URL: scheme, host, port, user and password.")
    finally:
        sender.close()
    if status != 250:
        return not_ok(f"{where} answers {status}.", "Ask whoever runs the mail server.")
    if not (sender.use_tls or sender.use_ssl) and sender.host not in {"localhost", "127.0.0.1", "::1"}:
        return not_ok(f"{where} is used without TLS.", "Use smtp+tls:// or smtp+ssl:// in EMAIL_URL.", "warning")
    return ok(f"{where} takes us" + (f" as {sender.username}." if sender.username else "."))


def _send(address: str) -> Finding[None]:
    text = "This mail was sent by `manage.py doctor`. Nobody has to do anything.\n"
    message = EmailMultiAlternatives("A test of Gatehouse's mail", text, branding.sender(), [address])
    try:
        mails.send(message)
    except mails.FAILURES as error:
        return not_ok(f"Not sent: {mails.reason_of(error)}.", "See whether the server lets MAIL_FROM send.")
    return Finding(None, f"The mail server took one for {address}. Whether it arrives, only its reader can say.")


def _administrator() -> Finding[None]:
    if needs_setup():
        hint = (
            "`manage.py admins setup-link` prints a link, or `manage.py admins break-glass EMAIL` where there is one."
        )
        return not_ok("No Administrator With Billing can sign in.", hint)
    count = User.objects.active().exclude(admin_role=None).count()
    return ok(f"{count} administrators are active, one With Billing at least.")


def _housekeeping() -> Finding[None]:
    """Read its diary: what never ran, what has not run for too long, and what ends in an error."""
    now = timezone.now()
    diary = {task.name: task for task in HousekeepingTask.objects.all()}
    if not diary:
        return not_ok("It has never run here.", _RUN_IT, "warning")
    last = max(task.ran_at for task in diary.values())
    if now - last >= _TOO_LONG:
        return not_ok(f"It ran {_ago(now - last)} ago for the last time.", _RUN_IT)
    failing = [f"{task.name} ({task.code})" for task in diary.values() if task.code]
    if failing:
        return not_ok(f"It runs, and these tasks fail: {', '.join(sorted(failing))}.", _READ_IT)
    return ok(f"It ran {_ago(now - last)} ago, and every task ended well.")


def _ago(age: timedelta) -> str:
    minutes = round(age.total_seconds() / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"


def _provider(provider: IdentityProvider) -> Finding[None]:
    """Run the connection test, and sum it up. Nobody signs in with a draft, so that what is wrong there can wait."""
    steps = connection_test.run_steps(connection_test.stored(provider))
    wrong = [step for step in steps if step.outcome == "failed"] or [
        step for step in steps if step.outcome == "warning"
    ]
    if wrong:
        text = " ".join(f"{step.name}: {step.detail}" for step in wrong)
        is_urgent = wrong[0].outcome == "failed" and provider.status == Status.ACTIVE
        return not_ok(text, wrong[0].hint, "failed" if is_urgent else "warning")
    untold = [step.name.lower() for step in steps if step.outcome != "passed"]
    text = f"{len(steps) - len(untold)} of {len(steps)} steps of the connection test passed"
    return ok(f"{text}; cannot be told: {', '.join(untold)}." if untold else f"{text}.")
