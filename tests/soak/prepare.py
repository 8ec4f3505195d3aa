"""`python -m tests.soak.prepare`: the directory before the first sign-in, with an active provider in it."""

import json
import os
import sys

import django

django.setup()

# What follows needs the settings.
from django.core.management import call_command  # noqa: E402

from bench.people import Person  # noqa: E402
from bench.prepare import command  # noqa: E402
from bench.registration import CLIENT_ID, CLIENT_SECRET, TENANT_ID  # noqa: E402
from users.audit import operator  # noqa: E402
from users.models import State  # noqa: E402
from users.services import add_person  # noqa: E402


def main() -> None:
    """Migrate, and add an administrator, the people and the provider."""
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    command("admins", "add", "admin@contoso.example", "--password-stdin", secret="of-no-worth-0123456789")
    actor = operator()
    for number in range(1, json.load(sys.stdin)["people"] + 1):
        person = Person(number)
        add_person(actor=actor, company_email=person.email, display_name=person.name, state=State.ACTIVE)
    given = ("--kind", "entra", "--name", "Soak", "--url", f"{os.environ['SOAK_PROVIDER']}/{TENANT_ID}")
    given += ("--client-id", CLIENT_ID, "--client-secret-stdin", "--activate", "--i-understand-the-impacts")
    command("idp", "add", *given, secret=CLIENT_SECRET)
    sys.stdout.write("{}")


if __name__ == "__main__":
    main()
