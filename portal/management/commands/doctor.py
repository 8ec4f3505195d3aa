"""`manage.py doctor`: what is wrong with a live installation, and what to do."""

import argparse
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.core.validators import validate_email

from idp.steps import Step
from portal.doctor.database import DATABASE, MIGRATIONS, look_at_database
from portal.doctor.examination import Examination
from portal.doctor.installation import look_at_files, look_at_secrets, look_at_settings
from portal.doctor.outside import look_at_address
from portal.doctor.services import look_at_providers, look_at_services
from users.management.base import DirectoryCommand, DirectoryParser

WORDS = {"passed": "ok", "warning": "warning", "failed": "FAILED", "unknown": "unknown", "skipped": "not tested"}


def web_address(text: str) -> str:
    """Return an http or https origin, for argparse."""
    try:
        parts = urlsplit(text)
        is_origin = parts.scheme in {"http", "https"} and parts.hostname and parts.path in {"", "/"} and parts.port != 0
    except ValueError:
        is_origin = False
    if not is_origin or parts.query or parts.fragment or parts.username:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as http://127.0.0.1:8000")
    return text


def mail_address(text: str) -> str:
    """Return an email address, for argparse."""
    try:
        validate_email(text)
    except ValidationError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not an email address") from error
    return text


class Command(DirectoryCommand):
    """Looks at a live installation. It changes nothing, and sends a mail only where it is told to."""

    help = (
        "Look at a live installation: settings, keys, files, database, cache, mail, housekeeping, providers, and the "
        "address that people use, with its TLS and its proxy. Each line says what to do. Nothing is changed. The exit "
        "status is 1 when something failed. Run it as the account of the service, with the service's settings."
    )
    requires_system_checks: list[str] = []  # what they find is the first thing that this command tells

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where to ask, and how to print."""
        parser.__class__ = DirectoryParser
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON for machines")
        parser.add_argument(
            "--url", type=web_address, metavar="URL", help="ask this address of the site, not PUBLIC_URL"
        )
        parser.add_argument("--mail-to", type=mail_address, metavar="EMAIL", help="send a test mail there")
        parser.add_argument(
            "--offline", action="store_true", help="leave out providers and the address: what needs the network"
        )
        parser.set_defaults(run=self.examine)

    def examine(self, options: dict[str, Any]) -> None:
        """Look at everything, print it, and end with 1 where something failed."""
        examination = Examination()
        look_at_settings(examination)
        look_at_files(examination)
        look_at_database(examination)
        examination.look("Stored secrets", look_at_secrets, needs=(DATABASE, MIGRATIONS))
        look_at_services(examination, mail_to=options["mail_to"] or "")
        if options["offline"]:
            for name in ("Identity providers", "Address"):
                examination.steps.append(Step(name, "skipped", "Not looked at: --offline."))
        else:
            look_at_providers(examination)
            look_at_address(examination, options["url"] or settings.PUBLIC_URL)
        self._print(examination)
        if examination.failed:
            raise SystemExit(1)

    def _print(self, examination: Examination) -> None:
        steps = examination.steps
        if self.as_json:
            shown = ("name", "outcome", "detail", "hint", "code")
            rows = [{key: value for key, value in step.as_dict().items() if key in shown} for step in steps]
            self.print_json({"ok": not examination.failed, "version": settings.VERSION, "checks": rows})
            return
        width = max(len(step.name) for step in steps)
        for step in steps:
            self.stdout.write(f"{WORDS[step.outcome]:<11} {step.name:<{width}}  {step.detail}")
            if step.hint and step.outcome != "passed":
                self.stdout.write(f"{'':<11} {'':<{width}}  -> {step.hint}")
        counts = {word: sum(step.outcome == outcome for step in steps) for outcome, word in WORDS.items()}
        self.stdout.write("\n" + ", ".join(f"{count} {word}" for word, count in counts.items() if count) + ".")
