"""How commands print a link that was made, and what became of its mail."""

from users.action_links import LIFETIME_WORDS
from users.break_glass import Made
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


def print_break_glass(command: DirectoryCommand, made: Made) -> None:
    """Print a break-glass link, which stands nowhere else, and end with the mail's error if it failed.

    Raises:
        BreakGlassNotMailed: the link works all the same.
    """
    person, mailed = made.person, made.error is None
    if command.as_json:
        fields = {"url": made.url, "expires_at": made.link.expires_at.isoformat(), "mailed": mailed}
        command.print_json({"person": person.company_email, **fields, "mail_to": made.mail_to})
    else:
        lifetime = LIFETIME_WORDS[LinkPurpose(made.link.purpose)]
        command.stdout.write(f"{made.url}\nIt works once, within {lifetime}, and signs in {person.company_email}.")
        command.stdout.write("Give it to nobody else, and not by mail: it stands in for password and second factor.")
        if mailed:
            command.stdout.write(f"That it was made was mailed to {', '.join(made.mail_to)}.")
    if made.error is not None:
        raise made.error
