"""What `manage.py backup` and `manage.py restore` share."""

import sys
from collections.abc import Callable

from django.core.management.base import CommandParser

from users.management.base import FROM_STDIN, DirectoryCommand, DirectoryParser
from users.management.interruption import Interruption
from users.management.people_files import ProgressBar


class BackupCommand(DirectoryCommand):
    """A command without subcommands about one file and its passphrase."""

    interruption: Interruption

    def take_file(self, parser: CommandParser, help_text: str) -> None:
        """Take what both commands take."""
        parser.__class__ = DirectoryParser
        parser.add_argument("file", metavar="FILE", help=help_text)
        parser.add_argument("--passphrase-stdin", action="store_true", help=f"{FROM_STDIN}; a terminal is asked")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON for machines")

    def progress(self, label: str, total: Callable[[], int]) -> Callable[[int], None]:
        """Return what is told how many rows are done: shows them on a terminal, and ends the work after a Ctrl-C.

        Args:
            total: says how many there are; asked where somebody watches.
        """
        bar = ProgressBar(sys.stderr, total() if sys.stderr.isatty() else 0, label)

        def report(done: int) -> None:
            bar.show(min(done, bar.total))
            self.interruption.check()

        return report

    def end_line(self) -> None:
        """Go on below a bar."""
        if sys.stderr.isatty():
            self.stderr.write("")
