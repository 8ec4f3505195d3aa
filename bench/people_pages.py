"""How long the list of people takes, from a directory of so many people, in this process.

`python -m bench.people_pages` with a job as JSON on standard input. The application is the one that is served, asked by
Django's test client: a server in front would add the same to every figure.
"""

import io
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import django

django.setup()

# What follows needs the settings.
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from bench.crowd import fill  # noqa: E402
from users.models import User  # noqa: E402
from users.people_list import PAGE_SIZE  # noqa: E402

LIST = "/admin/user-management/users/"
PASSWORD = "of-no-worth-0123456789"  # noqa: S105  (of a database that lives for minutes)
ROUNDS = 25
# What each row of the list has once.
ROW = b"data-select-row="


def prepare(people: int) -> float:
    """Make the directory with its administrator, and return the seconds that the people took."""
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    stdin, sys.stdin = sys.stdin, io.StringIO(PASSWORD)
    call_command("admins", "add", "admin@contoso.example", "--password-stdin", stdout=io.StringIO())
    sys.stdin = stdin
    begun = time.monotonic()
    fill(people)
    if connection.vendor == "postgresql":
        # What autovacuum does within a minute of so many rows.
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE users_user")
        call_command("housekeeping", stdout=io.StringIO())
    return time.monotonic() - begun


def pages(people: int) -> dict[str, str]:
    """Return the addresses to measure, by what they are."""
    somebody = User.objects.without_role().order_by("created_at")[people // 3]
    far = _key_of_page(min(10_000, people // PAGE_SIZE - 1))
    return {
        "first page": LIST,
        "sorted by last sign-in": f"{LIST}?sort=-last_sign_in",
        "filtered: staged": f"{LIST}?state=staged",
        "filtered: suspended, newest": f"{LIST}?state=suspended&sort=-created",
        "filtered: never signed in": f"{LIST}?sign_in=never&role=none",
        "search: beginning of an email": f"{LIST}?search={somebody.company_email[:11]}",
        "search: whole user name": f"{LIST}?search={somebody.user_name}",
        "search: family name": f"{LIST}?search={somebody.family_name}",
        "search: one letter that begins a name": f"{LIST}?search={somebody.family_name[0]}",
        "search: part of a name": f"{LIST}?search={somebody.family_name[1:5]}",
        "page 10,000 (or the last)": f"{LIST}?after={far}",
    }


def _key_of_page(number: int) -> str:
    """Return the key that the page before this one leads to, without going through all of them."""
    last = User.objects.order_by("name_key", "id")[number * PAGE_SIZE - 1]
    return f"{last.name_key}~{last.pk}"


def measure(ask: Callable[[str], Any], addresses: dict[str, str]) -> dict[str, tuple[float, int]]:
    """Return of each page the median of some answers, in milliseconds, and how many people it shows.

    The pages take turns, so that a slow second of the machine falls on all of them and not on one.
    """
    times: dict[str, list[float]] = {name: [] for name in addresses}
    rows = {name: ask(address).content.count(ROW) for name, address in addresses.items()}
    for _ in range(ROUNDS):
        for name, address in addresses.items():
            begun = time.perf_counter()
            answer = ask(address)
            times[name].append((time.perf_counter() - begun) * 1000)
            if answer.status_code != 200:
                raise SystemExit(f"{address} answered {answer.status_code}")
    return {name: (statistics.median(times[name]), rows[name]) for name in addresses}


def main() -> None:
    """Measure every page."""
    people = json.load(sys.stdin)["people"]
    seconds = prepare(people)
    client = Client(SERVER_NAME="127.0.0.1")
    client.post("/admin/login/", {"email": "admin@contoso.example", "password": PASSWORD})
    found = measure(client.get, pages(people))
    sys.stdout.write(json.dumps({"people": people, "fill_seconds": seconds, "pages": found}))


if __name__ == "__main__":
    main()
