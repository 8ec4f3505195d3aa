"""Brings one contestant to the moment before the first sign-in, and prints where a sign-in starts.

`python -m bench.prepare` with the contestant's name as JSON on standard input; everything else comes from the
environment that its server gets too. Gatehouse gets its administrator, people and provider through its own commands.
"""

import io
import json
import os
import sys
from typing import Any

import django

django.setup()

# What follows needs the settings.
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402

from bench.people import PEOPLE  # noqa: E402
from bench.registration import (  # noqa: E402
    ADMINISTRATOR,
    ADMINISTRATOR_PASSWORD,
    CLIENT_ID,
    CLIENT_SECRET,
    TENANT_ID,
    Endpoints,
)


def command(*arguments: str, secret: str = "") -> Any:
    """Run one of Gatehouse's commands with a secret on standard input, and return what it prints."""
    output, stdin, sys.stdin = io.StringIO(), sys.stdin, io.StringIO(secret)
    try:
        call_command(*arguments, "--json", stdout=output)
    finally:
        sys.stdin = stdin
    return json.loads(output.getvalue())


def prepare_gatehouse(kind: str, provider_origin: str) -> str:
    """Add an administrator, the people and the active provider."""
    role = ("--role", "administrator_with_billing")
    command("admins", "add", ADMINISTRATOR, *role, "--password-stdin", secret=ADMINISTRATOR_PASSWORD)
    for person in PEOPLE:
        command("users", "add", person.email, "--display-name", person.name, "--state", "active")
    url = f"{provider_origin}/{TENANT_ID}" if kind == "entra" else Endpoints(provider_origin).issuer
    given = ("--kind", kind, "--name", "Bench", "--url", url, "--client-id", CLIENT_ID, "--client-secret-stdin")
    confirmed = ("--activate", "--i-understand-the-impacts")
    return f"/oauth/login/{command('idp', 'add', *given, *confirmed, secret=CLIENT_SECRET)['slug']}/"


def prepare_rival() -> None:
    """Add the people, as a company that knows whom to let in."""
    users: Any = get_user_model()
    for person in PEOPLE:
        users.objects.create(username=person.email, email=person.email, first_name=person.name)


def main() -> None:
    """Prepare the contestant."""
    name = json.load(sys.stdin)["contestant"]
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    if name == "gatehouse":
        start = prepare_gatehouse(os.environ["BENCH_KIND"], os.environ["PROVIDER_ORIGIN"])
    else:
        prepare_rival()
        start = "/sign-in/" if name == "minimal" else "/oidc/authenticate/"
    sys.stdout.write(json.dumps({"start": start}))


if __name__ == "__main__":
    main()
