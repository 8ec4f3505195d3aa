"""Mail: text and HTML from `templates/email/`, sent at once or by a thread of its own, always after the transaction."""

import logging
import smtplib
import sys
import threading
from collections.abc import Callable, Mapping
from contextvars import copy_context
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connections
from django.template.loader import render_to_string
from django.urls import reverse

from users import branding
from users.audit import Actor, record
from users.link_errors import MailNotSent
from users.models import User

# What a mail server that is down, slow, or unwilling looks like; or a password for it that SMTP cannot carry.
FAILURES = (OSError, smtplib.SMTPException, UnicodeError)
THREAD_NAME = "gatehouse-mail"

_logger = logging.getLogger("gatehouse.mail")


def compose(template: str, subject: str, context: Mapping[str, Any], to: list[str]) -> EmailMultiAlternatives:
    """Return one mail to all of these people, rendered in full: who sends it needs no database.

    Args:
        template: the name under `templates/email/`; there is a `.txt` and a `.html` of it.
        subject: one line; white space that would break it becomes single spaces.
        context: for both templates, which also get the subject.
    """
    # A line break in somebody's name must not become a header of its own.
    subject = " ".join("".join(character if character.isprintable() else " " for character in subject).split())
    values = {**context, "subject": subject, "company": branding.current().name}
    # RFC 3834, section 5: nobody's out-of-office reply is wanted.
    headers = {"Auto-Submitted": "auto-generated"}
    text = _rendered(f"{template}.txt", values)
    message = EmailMultiAlternatives(subject, text, from_email=branding.sender(), to=to, headers=headers)
    message.attach_alternative(_rendered(f"{template}.html", values), "text/html")
    return message


def _rendered(name: str, values: Mapping[str, Any]) -> str:
    """Return a part of a mail without what comments of the template leave at its ends."""
    return render_to_string(f"email/{name}", dict(values)).strip() + "\n"


def public(name: str) -> str:
    """Return the public address of the page with this URL name, for a mail."""
    return f"{settings.PUBLIC_URL}{reverse(name)}"


def send(message: EmailMultiAlternatives) -> None:
    """Send a mail; raises one of FAILURES where the mail server does not take it."""
    if settings.EMAIL_BACKEND.endswith(".console.EmailBackend"):
        # Standard output belongs to what commands print for machines.
        message.connection = get_connection(stream=sys.stderr)
    message.send()
    if settings.EMAIL_BACKEND.endswith(".filebased.EmailBackend"):
        _logger.info("A mail was written to a file in %s", str(getattr(settings, "EMAIL_FILE_PATH", "")))


def deliver(
    message: EmailMultiAlternatives,
    *,
    actor: Actor,
    person: User,
    kind: str,
    failure: type[MailNotSent] = MailNotSent,
) -> MailNotSent | None:
    """Send a mail to or about a person now, write the audit row, and return why it could not be sent, or None.

    Called after the transaction of what the mail is about: a mail server that does not answer holds no lock, and what
    was done stays done.

    Args:
        kind: what the mail is, for the audit log. The mail itself may hold a secret link.
        failure: what to return where it could not be sent.
    """
    error = None
    try:
        send(message)
    except FAILURES as cause:
        error = failure(email=person.company_email, reason=reason_of(cause))
    event = record("users.mail.sent", actor=actor, target=person, error=error, details={"mail": kind})
    if error is not None:
        error.reference = event.request_id
    return error


def send_in_background(message: EmailMultiAlternatives, *, on_failure: Callable[[], object]) -> None:
    """Send a mail in a short-lived thread, which touches the database only if that fails.

    The thread is no daemon: a server that ends waits for it, at most as long as EMAIL_TIMEOUT.

    Args:
        on_failure: what to do then; it runs in the thread.
    """
    in_background(lambda: _send_or(message, on_failure))


def in_background(act: Callable[[], object]) -> None:
    """Run an act in a short-lived thread with a connection of its own."""
    # Its log lines belong to the request that asked for it.
    asked_in = copy_context()
    threading.Thread(target=asked_in.run, args=(_run, act), name=THREAD_NAME).start()


def _run(act: Callable[[], object]) -> None:
    try:
        act()
    except Exception:
        _logger.exception("What was to be done in the background failed.")
    finally:
        connections.close_all()


def _send_or(message: EmailMultiAlternatives, on_failure: Callable[[], object]) -> None:
    try:
        send(message)
    except FAILURES as error:
        _logger.warning("A mail could not be sent (%s).", reason_of(error))
        on_failure()


def reason_of(error: Exception) -> str:
    """Say why a mail was not taken, without what the server quoted of our conversation."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server answered {error.smtp_code}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "the mail server refused every recipient"
    if isinstance(error, TimeoutError):
        return "the mail server did not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
