"""`manage.py keys`: the encryption keys of secrets at rest."""

from typing import Any

from django.core.checks import Tags

from idp import keys
from users.management.base import DirectoryCommand


class Command(DirectoryCommand):
    """Make a key, encrypt every secret again with the newest one, and count the secrets that cannot be read."""

    help = "Manage encryption keys."
    requires_system_checks: list[str] = []  # `keys generate` must work while ENCRYPTION_KEYS is still wrong

    def add_subcommands(self) -> None:
        """Register the subcommands."""
        self.sub("generate", self.generate, "Print a fresh key for ENCRYPTION_KEYS.")
        rotate = self.sub("rotate", self.rotate, "Encrypt every stored secret again with the first key.")
        rotate.add_argument("--dry-run", action="store_true", help="count, and check that all can be read")
        text = "rotate the others where some cannot be read"
        rotate.add_argument("--leave-unreadable", action="store_true", help=text)
        self.sub("check", self.check_secrets, "Count the stored secrets, and those that no key opens (exit status 3).")

    def generate(self, options: dict[str, Any]) -> None:
        """Print a key."""
        key = keys.generate_key()
        if self.as_json:
            self.print_json({"key": key})
        else:
            self.stdout.write(key)

    def rotate(self, options: dict[str, Any]) -> None:
        """Rotate, with keys that are keys."""
        self.check(tags=[Tags.security])
        count = keys.rotate_secrets(
            actor=self.actor, dry_run=options["dry_run"], leave_unreadable=options["leave_unreadable"]
        )
        if self.as_json:
            self.print_json({"secrets": count, "dry_run": options["dry_run"]})
        else:
            verb = "would be" if options["dry_run"] else "were"
            self.stdout.write(f"{count} secrets {verb} encrypted with the first key.")

    def check_secrets(self, options: dict[str, Any]) -> None:
        """Count the secrets by kind; those that no key opens are the exit status."""
        self.check(tags=[Tags.security])
        rows = [kind.as_dict() for kind in keys.count_secrets()]
        self.print_table(rows, columns=("kind", "total", "outdated", "unreadable"), empty="")
        if any(row["unreadable"] for row in rows):
            cure = "Put the former key back into ENCRYPTION_KEYS, or enter anew what cannot be read."
            self.stderr.write(cure, lambda text: text)
            raise SystemExit(3)
