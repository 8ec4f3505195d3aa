"""The subcommands of `manage.py idp` about client secrets and certificates."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from idp import certificates, credentials
from idp.expiry import expiry_of
from idp.models import ClientCertificate, IdentityProvider, Slot
from idp.protocol.client_certificate import as_cer
from idp.queries import find_provider
from users.management.base import FROM_STDIN, DirectoryCommand, at_least_one, day, read_secret


def certificate_row(certificate: ClientCertificate) -> dict[str, Any]:
    """Return what is printed of a certificate: everything but the private key."""
    return {
        "slot": certificate.slot,
        "thumbprint_sha1": certificates.sha1_hex(certificate),
        "thumbprint_sha256": certificates.sha256_hex(certificate),
        "created_at": certificate.created_at,
        "expires_at": certificate.expires_at,
    }


def credential_row(provider: IdentityProvider) -> dict[str, Any]:
    """Return what is printed of a provider's credentials: what is in use, what waits, and until when. No secret."""
    row: dict[str, Any] = {
        "credential": provider.credential,
        "credential_readable": expiry_of(provider).is_readable,
        "next_client_secret_set_at": provider.next_client_secret_set_at,
        "next_client_secret_expires_on": provider.next_client_secret_expires_on,
    }
    for slot, prefix in ((Slot.CURRENT, "certificate"), (Slot.NEXT, "next_certificate")):
        certificate = provider.certificate_in(slot)
        facts = certificate_row(certificate) if certificate else {}
        for name in ("thumbprint_sha1", "thumbprint_sha256", "expires_at"):
            row[f"{prefix}_{name}"] = facts.get(name)
    return row


class CredentialCommands(DirectoryCommand):
    """Mixed into `manage.py idp`."""

    def add_credential_subcommands(self) -> None:
        """Register the subcommands."""
        add = self._sub("add-next-secret", self.add_next_secret, "Store a second client secret, which waits.")
        add.add_argument("--client-secret-stdin", action="store_true", help=FROM_STDIN)
        text = "the day on which the client secret runs out"
        add.add_argument("--expires-on", type=day, metavar="YYYY-MM-DD", help=text)
        self._sub("promote-secret", self.promote_secret, "Put the next client secret into use, after trying it.")
        self._sub("discard-next-secret", self.discard_next_secret, "Forget the next client secret.")
        new = self._sub("new-certificate", self.new_certificate, "Make a key pair, and print its certificate.")
        text = f"how long the certificate is valid ({certificates.DAYS_VALID} unless given)"
        new.add_argument("--days", type=at_least_one, default=certificates.DAYS_VALID, help=text)
        _takes_file(new)
        show = self._sub("certificate", self.certificate, "Print the certificate, the next one where one waits.")
        show.add_argument("--slot", choices=Slot.values, default="", help="which one: in use now, or next")
        _takes_file(show)
        self._sub("promote-certificate", self.promote_certificate, "Put the next certificate into use, once it works.")
        self._sub("discard-certificate", self.discard_certificate, "Forget the next certificate and its key.")

    def _sub(self, name: str, run: Callable[..., None], help_text: str) -> CommandParser:
        parser = self.sub(name, run, help_text)
        parser.add_argument("provider", help="slug, name or id")
        return parser

    def add_next_secret(self, options: dict[str, Any]) -> None:
        """Store a second secret."""
        changed = credentials.add_next_secret(
            actor=self.actor,
            provider=find_provider(options["provider"]),
            client_secret=read_secret("Next client secret"),
            expires_on=options["expires_on"],
        )
        if not changed.is_entra:
            self.stderr.write("Not tested: this kind of provider cannot be asked without a person.", lambda text: text)
        self._print_credentials(changed)

    def promote_secret(self, options: dict[str, Any]) -> None:
        """Put the next secret into use."""
        provider = find_provider(options["provider"])
        self._print_credentials(credentials.promote_next_secret(actor=self.actor, provider=provider))

    def discard_next_secret(self, options: dict[str, Any]) -> None:
        """Forget the next secret."""
        provider = find_provider(options["provider"])
        self._print_credentials(credentials.discard_next_secret(actor=self.actor, provider=provider))

    def new_certificate(self, options: dict[str, Any]) -> None:
        """Make a key pair."""
        provider = find_provider(options["provider"])
        made = certificates.make_next_certificate(actor=self.actor, provider=provider, days=options["days"])
        self._print_certificate(made, options["der_out"])

    def certificate(self, options: dict[str, Any]) -> None:
        """Print a certificate."""
        provider = find_provider(options["provider"])
        self._print_certificate(certificates.find_certificate(provider, options["slot"]), options["der_out"])

    def promote_certificate(self, options: dict[str, Any]) -> None:
        """Put the next certificate into use."""
        provider = find_provider(options["provider"])
        self._print_credentials(certificates.promote_certificate(actor=self.actor, provider=provider))

    def discard_certificate(self, options: dict[str, Any]) -> None:
        """Forget the next certificate."""
        provider = find_provider(options["provider"])
        certificates.discard_certificate(actor=self.actor, provider=provider)
        self._print_credentials(provider)

    def _print_credentials(self, provider: IdentityProvider) -> None:
        stored = find_provider(str(provider.pk))
        row = {
            "id": str(stored.pk),
            "slug": stored.slug,
            "client_secret_set_at": stored.client_secret_set_at,
            "client_secret_expires_on": stored.client_secret_expires_on,
        }
        self.print_record({**row, **credential_row(stored)})

    def _print_certificate(self, certificate: ClientCertificate, der_out: str) -> None:
        """Print the certificate as text to paste, or write the file to upload."""
        if der_out:
            try:
                Path(der_out).write_bytes(as_cer(certificate.certificate))
            except OSError as error:
                raise CommandError(f"{der_out} cannot be written: {error.strerror}.", returncode=2) from error
        if self.as_json:
            self.print_json({**certificate_row(certificate), "pem": certificate.certificate})
        elif der_out:
            self.print_record({**certificate_row(certificate), "file": der_out})
        else:
            self.stdout.write(certificate.certificate.rstrip())


def _takes_file(parser: CommandParser) -> None:
    parser.add_argument("--der-out", default="", metavar="FILE", help="write it as a .cer file, which Entra takes")
