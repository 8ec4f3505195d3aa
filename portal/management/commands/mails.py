"""`manage.py mails`: what Gatehouse's mails look like, without sending one."""

from typing import Any

from portal.mail_samples import SAMPLES, sample
from users.management.base import DirectoryCommand


class Command(DirectoryCommand):
    """List the mails, and show each with made-up facts."""

    help = "Show what mails look like. Nothing is sent."

    def add_subcommands(self) -> None:
        """Register the subcommands."""
        self.sub("list", self.list, "List the mails by name.")
        preview = self.sub("preview", self.preview, "Print a mail with made-up facts. Nothing is sent.")
        preview.add_argument("name", choices=list(SAMPLES), metavar="NAME", help=", ".join(SAMPLES))
        preview.add_argument("--html", action="store_true", help="the HTML part, for a file to open in a browser")

    def list(self, options: dict[str, Any]) -> None:
        """List the mails."""
        rows = [{"name": name, "subject": sample(name).subject} for name in SAMPLES]
        self.print_table(rows, columns=("name", "subject"), empty="There are no mails.")

    def preview(self, options: dict[str, Any]) -> None:
        """Print a mail."""
        message = sample(options["name"])
        ((html, _),) = message.alternatives
        if self.as_json:
            self.print_json({"subject": message.subject, "text": message.body, "html": html})
        elif options["html"]:
            self.stdout.write(str(html))
        else:
            self.stdout.write(f"Subject: {message.subject}\n\n{message.body}")
