"""`python -m tests.soak.verdict`: what the database says of what the browsers saw. Takes and prints JSON."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import django

django.setup()

# What follows needs the settings.
from bench.people import Person  # noqa: E402
from idp.models import FederatedIdentity  # noqa: E402
from users.models import AuditEvent, Outcome, User, UserSession  # noqa: E402

SUCCEEDED = "portal.sign_in.succeeded"
LINKED = "idp.identity.linked"
# Pages that can have no audit row: the database was away, or Gatehouse was.
WITHOUT_ROW = frozenset({"portal.database_unavailable", "proxy.no_instance", "answer.cut_off"})


def problems(seen: dict[str, Any]) -> Iterator[str]:
    """Return everything that does not fit together."""
    yield from _successes(seen["signed_in"])
    yield from _refusals(seen["refused"])
    yield from _links(seen["people"])
    yield from _sessions()


def _successes(signed_in: list[list[str]]) -> Iterator[str]:
    """Every sign-in that a browser saw has its row: of this request, this person and this address."""
    found: dict[str, list[AuditEvent]] = {}
    for event in AuditEvent.objects.filter(action=SUCCEEDED):
        found.setdefault(event.request_id, []).append(event)
    keys = dict(User.objects.values_list("company_email", "id"))
    for email, request_id, address in signed_in:
        rows = found.get(request_id, [])
        if [(row.actor_id, row.client_ip) for row in rows] != [(keys[email], address)]:
            yield f"the sign-in {request_id} of {email} from {address} has {len(rows)} audit rows, or a wrong one"


def _refusals(refused: list[list[str]]) -> Iterator[str]:
    """Every refusal that a browser saw is found by the number on its page, under its code."""
    known = set(AuditEvent.objects.filter(outcome=Outcome.REFUSED).values_list("error_code", "request_id"))
    for code, reference in refused:
        if code not in WITHOUT_ROW and (code, reference) not in known:
            yield f"the page {code} with the number {reference!r} has no audit row"


def _links(people: list[int]) -> Iterator[str]:
    """Everybody who came in has one link, to the right account, with one audit row; and nobody else has any."""
    links: dict[str, list[str]] = {}
    for email, subject in FederatedIdentity.objects.values_list("person__company_email", "subject"):
        links.setdefault(email, []).append(subject)
    rows = Counter(
        AuditEvent.objects.filter(action=LINKED, outcome=Outcome.SUCCESS).values_list("target_id", flat=True)
    )
    keys = {email: str(key) for email, key in User.objects.values_list("company_email", "id")}
    for person in map(Person, people):
        subjects = links.pop(person.email, [])
        if len(subjects) != 1 or not subjects[0].endswith(person.object_id):
            yield f"{person.email} has the links {subjects}"
        if rows[keys[person.email]] != 1:
            yield f"the link of {person.email} has {rows[keys[person.email]]} audit rows"
    yield from (f"{email} has a link without a sign-in" for email in links)


def _sessions() -> Iterator[str]:
    """Every session has its audit row, and every sign-in its session: both were written, or neither."""
    sessions = Counter(UserSession.objects.filter(person__isnull=False).values_list("person_id", "client_ip"))
    rows = Counter(AuditEvent.objects.filter(action=SUCCEEDED).values_list("actor_id", "client_ip"))
    for key in sessions.keys() | rows.keys():
        if sessions[key] != rows[key]:
            yield f"{key} has {sessions[key]} sessions and {rows[key]} audit rows of sign-ins"
    for email in User.objects.filter(id__in=[key[0] for key in rows], last_login=None).values_list(
        "company_email", flat=True
    ):
        yield f"{email} signed in, and that is not noted"


if __name__ == "__main__":
    json.dump(list(problems(json.load(sys.stdin))), sys.stdout)
