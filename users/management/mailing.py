"""How commands print a link that was made, and what became of its mail."""

from users.action_links import LIFETIME_WORDS
from users.mailing import Mailing
from users.management.base import DirectoryCommand
from users.models import LinkPurpose


def print_mailing(command: DirectoryCommand, mailing: Mailing) -> None:
    """Print the link for the operator, as `admins setup-link` does, and end with the mail's error if it failed.

    Raises:
        MailNotSent: the link works all the same.
    """
    lifetime = LIFETIME_WORDS[LinkPurpose(mailing.link.purpose)]
    if command.as_json:
        fields = {"url": mailing.url, "expires_at": mailing.link.expires_at.isoformat(), "mailed": mailing.is_mailed}
        command.print_json({"person": mailing.person.company_email, **fields})
    else:
        command.stdout.write(f"{mailing.url}\nIt works once, within {lifetime}.")
        if mailing.is_mailed:
            command.stdout.write(f"It was mailed to {mailing.person.company_email}.")
    if mailing.error is not None:
        raise mailing.error
