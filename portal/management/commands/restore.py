"""`manage.py restore`: brings back what `manage.py backup` wrote."""

from typing import Any, BinaryIO

from django.core.management.base import CommandParser

from portal.backup.checking import opened
from portal.backup.restoring import Consent, Plan, plan_restore, refuse_unless_agreed, restore_backup
from portal.management.backing_up import BackupCommand
from users.management.base import read_secret
from users.management.interruption import Interruption


class Command(BackupCommand):
    """Verifies a backup, and puts it into the place of what the database has."""

    help = (
        "Bring back a backup: the whole file is verified first, and then all of it replaces what the database has, or "
        "nothing. Everybody signs in anew afterwards."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file, and what the operator agrees to."""
        self.take_file(parser, "a backup that `manage.py backup` wrote")
        parser.add_argument("--dry-run", action="store_true", help="verify, say what would be replaced, change nothing")
        parser.add_argument("--replace", action="store_true", help="replace a database that is in use")
        parser.add_argument(
            "--i-understand-the-impacts", action="store_true", dest="understood", help="with --replace: confirm that"
        )
        parser.add_argument(
            "--without-keys", action="store_true", help="restore secrets that no key here opens; they are entered again"
        )
        parser.set_defaults(run=self.restore)

    def restore(self, options: dict[str, Any]) -> None:
        """Restore, or leave everything as it was."""
        consent = Consent(options["replace"], options["understood"], options["without_keys"])
        with opened(options["file"]) as source:
            passphrase = read_secret("Passphrase of the backup")
            with Interruption() as self.interruption:
                try:
                    self._restore(source, options["file"], passphrase, consent, dry_run=options["dry_run"])
                except KeyboardInterrupt:
                    self.stderr.write("Interrupted: nothing was changed.")
                    raise SystemExit(self.interruption.exit_status) from None

    def _restore(self, source: BinaryIO, name: str, passphrase: str, consent: Consent, *, dry_run: bool) -> None:
        known = {"passphrase": passphrase, "name": name}
        plan = plan_restore(source, **known, report=self.progress("Verifying", lambda: 0))
        if not dry_run:
            refuse_unless_agreed(plan, consent)
            report = self.progress("Restoring", lambda: plan.checked.contents.rows)
            restore_backup(source, plan=plan, actor=self.actor, **known, report=report)
            self.end_line()
        self._print(plan, name, dry_run=dry_run)

    def _print(self, plan: Plan, name: str, *, dry_run: bool) -> None:
        record = {"file": name, "dry_run": dry_run, **plan.as_dict()}
        if self.as_json:
            self.print_json(record)
            return
        del record["migrations"]
        record["tables"] = len(plan.checked.contents.tables)
        record["replaces"] = plan.losses.in_words() if plan.losses.is_in_use else "nothing that is in use"
        self.print_record(record)
        if dry_run:
            self.stdout.write("The backup is whole. Nothing was changed.")
        else:
            self.stdout.write("Restored. Everybody signs in anew. Start the processes that serve once more.")
        if plan.checked.unreadable:
            self.stderr.write(
                "Secrets that no key here opens: "
                + ", ".join(f"{count} in {place}" for place, count in sorted(plan.checked.unreadable.items()))
            )
