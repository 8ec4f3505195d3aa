"""Mail to administrators: text and HTML from `templates/email/`, sent at once or by a thread of its own."""

import logging
import smtplib
import threading
from collections.abc import Callable, Mapping
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.db import connections
from django.template.loader import render_to_string

from users import branding

# What a mail server that is down, slow, or unwilling looks like.
FAILURES = (OSError, smtplib.SMTPException)
THREAD_NAME = "gatehouse-mail"

_logger = logging.getLogger("gatehouse.mail")


def compose(template: str, subject: str, context: Mapping[str, Any], to: list[str]) -> EmailMultiAlternatives:
    """Return one mail to all of these people, rendered in full: who sends it needs no database.

    Args:
        template: the name under `templates/email/`; there is a `.txt` and a `.html` of it.
        subject: one line; white space that would break it becomes single spaces.
        context: for both templates, which also get the subject.
    """
    subject = " ".join(subject.split())
    values = {**context, "subject": subject, "company": branding.current().name}
    text = render_to_string(f"email/{template}.txt", values)
    message = EmailMultiAlternatives(subject, text, from_email=branding.sender(), to=to)
    message.attach_alternative(render_to_string(f"email/{template}.html", values), "text/html")
    return message


def send(message: EmailMultiAlternatives) -> None:
    """Send a mail; raises one of FAILURES where the mail server does not take it."""
    message.send()


def send_in_background(message: EmailMultiAlternatives, *, on_failure: Callable[[], object]) -> None:
    """Send a mail in a short-lived thread, which touches the database only if that fails.

    The thread is no daemon: a server that ends waits for it, at most as long as EMAIL_TIMEOUT.

    Args:
        on_failure: what to do then; it runs in the thread.
    """
    threading.Thread(target=_talk, args=(message, on_failure), name=THREAD_NAME).start()


def _talk(message: EmailMultiAlternatives, on_failure: Callable[[], object]) -> None:
    try:
        send(message)
    except FAILURES as error:
        _logger.warning("A mail could not be sent (%s); the next housekeeping tries again.", reason_of(error))
        try:
            on_failure()
        finally:
            connections.close_all()


def reason_of(error: Exception) -> str:
    """Say why a mail was not taken, without what the server quoted of our conversation."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server answered {error.smtp_code}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "the mail server refused every recipient"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
