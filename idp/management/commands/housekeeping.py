"""`manage.py housekeeping`: for cron or a systemd timer, and for `manage.py run`, which has neither."""

import os
import signal
import threading
import time
from typing import Any

from django.core.management.base import CommandParser
from django.db import connections

from idp.housekeeping import TASKS, Done, keep_house
from users.log_context import current
from users.management.base import DirectoryCommand, DirectoryParser, at_least_one
from users.management.interruption import Interruption


class Command(DirectoryCommand):
    """Applies scheduled states, checks providers, sends expiry mails, and removes what is past its time."""

    help = (
        "Apply scheduled states, check identity providers, mail administrators about expiring credentials, and remove "
        "old sessions and audit rows. Safe to run twice at once. The exit status is not 0 when a task failed; the "
        "others still run. Ctrl-C and SIGTERM end it between two tasks; a second one ends it at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take how to print, and how often to run."""
        parser.__class__ = DirectoryParser
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON for machines")
        parser.add_argument("--every", type=at_least_one, metavar="SECONDS", help="again and again, until stopped")
        parser.add_argument(
            "--until-eof", action="store_true", help="with --every: end when standard input does, as `run` needs it"
        )
        parser.set_defaults(run=self.keep)

    def keep(self, options: dict[str, Any]) -> None:
        """Keep house once, or regularly."""
        with Interruption() as interruption:
            if options["every"]:
                self._regularly(options["every"], interruption, until_eof=options["until_eof"])
                return
            done = keep_house(lambda: interruption.number is not None)
        if self.as_json:
            self.print_json({"tasks": [each.as_dict() for each in done]})
        else:
            for each in done:
                self.stdout.write(_in_words(each))
        self._end(done, interruption)

    def _end(self, done: list[Done], interruption: Interruption) -> None:
        """End with the status of what failed first, or of the signal that left tasks undone."""
        failed = [each.error for each in done if each.error is not None]
        if failed:
            for error in failed:
                self.stderr.write(f"{error.message} {error.hint} [{error.code}]", lambda text: text)
            raise SystemExit(failed[0].exit_status)
        if len(done) < len(TASKS):
            self.stderr.write(f"Stopped between two tasks: {len(done)} of {len(TASKS)} were run.")
            raise SystemExit(interruption.exit_status)

    def _regularly(self, seconds: int, interruption: Interruption, *, until_eof: bool) -> None:
        """Keep house until told to end, which is between two tasks. The log tells of each task; nobody reads more."""
        current().is_typed = False
        if until_eof:
            threading.Thread(target=_end_with_standard_input, daemon=True).start()
        try:
            while True:
                keep_house(lambda: interruption.number is not None)
                # The next time is minutes away, and the database may be restarted until then.
                connections.close_all()
                with interruption.waiting():
                    time.sleep(seconds)
        except KeyboardInterrupt:
            return


def _in_words(done: Done) -> str:
    if done.error is not None:
        return f"{done.task}: failed, {done.error.message} [{done.error.code}]"
    return f"{done.task}: {', '.join(f'{count} {word}' for word, count in done.counts.items())}"


def _end_with_standard_input() -> None:
    """Wait for the end of standard input, which comes with the end of the process that holds its other side."""
    while os.read(0, 4096):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
