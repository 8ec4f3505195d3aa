"""What a page says after a link was mailed: also that it was not, which undoes nothing."""

from django.contrib import messages
from django.http import HttpRequest

from users.action_links import LIFETIME_WORDS
from users.mailing import Mailing
from users.models import LinkPurpose


def say_mailed(request: HttpRequest, mailing: Mailing, what: str) -> None:
    """Say that a mail is on its way, or why it is not and what to do.

    Args:
        what: at the beginning of a sentence: "The invitation".
    """
    if mailing.error is not None:
        text = f"{what} could not be mailed. {mailing.error.message} Nothing is lost: send it again once mail works."
        messages.warning(request, text)
        return
    lifetime = LIFETIME_WORDS[LinkPurpose(mailing.link.purpose)]
    messages.success(request, f"{what} was mailed to {mailing.person.company_email}. It works once, for {lifetime}.")
