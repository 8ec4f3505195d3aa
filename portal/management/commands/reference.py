"""`manage.py reference`: writes docs/reference from the code."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.reference import PAGES


class Command(BaseCommand):
    """Writes the reference pages; `make reference` calls it."""

    help = "Write the pages of docs/reference from the code: for whoever changes Gatehouse."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where to."""
        parser.add_argument("directory", type=Path, metavar="DIRECTORY", help="where the pages go: docs/reference")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write every page."""
        options["directory"].mkdir(parents=True, exist_ok=True)
        for name, text in PAGES.items():
            (options["directory"] / name).write_text(text())
            self.stdout.write(str(options["directory"] / name))
