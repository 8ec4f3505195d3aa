"""What one routing decision costs, with 10 policies and with 200, in a directory of so many people and 1,000 groups.

`python -m bench.routing [PEOPLE]`. The database must hold nobody: it is filled, and left full. `--again` instead of a
number measures once more in a database that was left so.
"""

import random
import statistics
import sys
import time
from collections.abc import Callable

import bench.own_process  # noqa: F401  (sets Django up, before what follows)

from django.core.management import call_command  # isort: skip
from django.db import connection  # isort: skip
from django.test.utils import CaptureQueriesContext  # isort: skip

from bench.crowd import fill
from bench.reporting import table
from idp import routing
from idp.models import IdentityProvider, RoutingDomain, RoutingException, RoutingGroup, RoutingPolicy
from idp.routing_counts import people_per_policy
from users.models import Group, GroupMembership, User

GROUPS, EACH, ROUNDS = 1_000, 3, 400


def prepare(people: int) -> None:
    """Make the directory: every person in some groups."""
    call_command("migrate", interactive=False, verbosity=0)
    fill(people)
    groups = Group.objects.bulk_create(
        [Group(name=f"Group {number}", name_key=f"group {number}") for number in range(GROUPS)]
    )
    chance = random.Random(4711)  # noqa: S311  (the same groups every time)
    keys = list(User.objects.values_list("pk", flat=True))
    for start in range(0, len(keys), 20_000):
        GroupMembership.objects.bulk_create(
            [
                GroupMembership(group=group, person_id=key)
                for key in keys[start : start + 20_000]
                for group in chance.sample(groups, EACH)
            ]
        )
    issuer = "https://bench.example"
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    metadata = {"issuer": issuer, **{name: f"{issuer}/{name}" for name in names}}
    for number in (1, 2):
        IdentityProvider.objects.create(
            kind="oidc", slug=f"b{number}", name=f"B{number}", issuer=issuer, metadata=metadata, status="active"
        )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def set_policies(number: int) -> None:
    """Replace the policies: each names groups, a domain, and exceptions; the last takes everyone."""
    RoutingPolicy.objects.all().delete()
    providers, groups = list(IdentityProvider.objects.all()), list(Group.objects.all())
    somebody = list(User.objects.all()[:100])
    for position in range(1, number + 1):
        policy = RoutingPolicy.objects.create(
            name=f"P{position}", provider=providers[position % 2], position=position, everyone=position == number
        )
        taken = 0 if policy.everyone else 2
        RoutingGroup.objects.bulk_create(
            RoutingGroup(policy=policy, group=groups[(position * 5 + step) % GROUPS], is_exception=step >= taken)
            for step in range(4)
        )
        RoutingDomain.objects.create(policy=policy, domain=f"d{position}.example")
        RoutingException.objects.create(policy=policy, person=somebody[position % 100])


def measure(ask: Callable[[User], object], people: list[User]) -> tuple[float, int]:
    """Return the median milliseconds of a decision, and the most statements that one took."""
    times, most = [], 0
    for person in people[:20]:
        with CaptureQueriesContext(connection) as captured:
            ask(person)
        most = max(most, len(captured))
    for person in people:
        begun = time.perf_counter()
        ask(person)
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times), most


def main() -> None:
    """Print the figures."""
    if sys.argv[1:] == ["--again"]:
        call_command("migrate", interactive=False, verbosity=0)
        people = User.objects.count()
    else:
        people = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
        prepare(people)
    some = list(User.objects.order_by("id")[:ROUNDS])
    questions: dict[str, Callable[[User], object]] = {
        "of a person": routing.provider_of,
        "of an email": lambda person: routing.provider_for_email(person.company_email),
        "of a stranger's email": lambda person: routing.provider_for_email(f"x{person.company_email}"),
    }
    figures: dict[str, list[tuple[float, int]]] = {name: [] for name in questions}
    counted = []
    for number in (10, 200):
        set_policies(number)
        for name, ask in questions.items():
            figures[name].append(measure(ask, some))
        begun = time.perf_counter()
        people_per_policy()
        counted.append(time.perf_counter() - begun)
    rows = [
        (name, f"{few[0]:.2f}", f"{many[0]:.2f}", f"{many[0] / few[0]:.2f}", str(max(few[1], many[1])))
        for name, (few, many) in figures.items()
    ]
    headings = ("routing decision, ms", "10 policies", "200 policies", "ratio", "statements")
    sys.stdout.write(f"{connection.vendor}, {people:,} people, {GROUPS:,} groups\n{table(headings, rows)}\n")
    sys.stdout.write(f"table of people per policy: {counted[0]:.1f} s with 10, {counted[1]:.1f} s with 200\n")


if __name__ == "__main__":
    main()
