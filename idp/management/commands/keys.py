"""`manage.py keys`: the encryption keys of secrets at rest."""

from typing import Any

from django.core.checks import Tags

from idp import keys
from users.management.base import DirectoryCommand


class Command(DirectoryCommand):
    """Make a key, and encrypt every secret again with the newest one."""

    help = "Manage encryption keys."
    requires_system_checks: list[str] = []  # `keys generate` must work while ENCRYPTION_KEYS is still wrong

    def add_subcommands(self) -> None:
        """Register the subcommands."""
        self.sub("generate", self.generate, "Print a fresh key for ENCRYPTION_KEYS.")
        rotate = self.sub("rotate", self.rotate, "Encrypt every stored secret again with the first key.")
        rotate.add_argument("--dry-run", action="store_true", help="count, and check that all can be read")

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
        count = keys.rotate_secrets(actor=self.actor, dry_run=options["dry_run"])
        if self.as_json:
            self.print_json({"secrets": count, "dry_run": options["dry_run"]})
        else:
            verb = "would be" if options["dry_run"] else "were"
            self.stdout.write(f"{count} secrets {verb} encrypted with the first key.")
