"""What tests do with mail: wait for it, find it, and take the link out of it."""

import re
import threading

from django.conf import LazySettings, settings
from django.core import mail
from django.core.mail import EmailMultiAlternatives

from users import mails

DEAD_MAIL_SERVER = "127.0.0.1"


def wait_for_mail_threads() -> None:
    """Wait until nothing is sent in the background any more."""
    for thread in threading.enumerate():
        if thread.name == mails.THREAD_NAME:
            thread.join(timeout=20)


def without_mail_server(settings: LazySettings) -> None:
    """Let mail go to a port that nobody listens on."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = DEAD_MAIL_SERVER, 1, 2


def with_mail_server(settings: LazySettings) -> None:
    """Let mail be kept for the test again."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def newest_mail(to: str) -> EmailMultiAlternatives:
    """Return the newest mail to this address."""
    wait_for_mail_threads()
    message = next(message for message in reversed(mail.outbox) if message.to == [to])
    assert isinstance(message, EmailMultiAlternatives)
    return message


def html_of(message: EmailMultiAlternatives) -> str:
    """Return the HTML part of a mail."""
    ((html, kind),) = message.alternatives
    assert kind == "text/html"
    return str(html)


def link_in(message: EmailMultiAlternatives) -> str:
    """Return the path of the one link in a mail, which both parts have."""
    (url,) = set(re.findall(r"https?://\S+", message.body))
    assert f'href="{url}"' in html_of(message)
    assert url.startswith(settings.PUBLIC_URL)
    return url.removeprefix(settings.PUBLIC_URL)
