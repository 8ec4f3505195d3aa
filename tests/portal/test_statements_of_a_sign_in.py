"""What a warm callback asks of the database: few statements, short transactions, none while the provider answers."""

from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from idp import claim_rules
from idp.models import IdentityProvider
from tests.browsing import Browser
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR
from tests.idp.conformance.support import warm_up
from tests.redis_server import RedisServer
from users.groups import add_group
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
WRITING = ("INSERT", "UPDATE", "DELETE")


def test_a_warm_callback_takes_ten_statements_in_two_transactions(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    warm_up(tenant)
    location = browser_client.at_provider(browser_client.begin())
    with CaptureQueriesContext(connection) as captured:
        assert browser_client.come_back(location).status_code == 303
    statements = [query["sql"].split()[0] for query in captured.captured_queries]
    assert len([word for word in statements if word not in CONTROL]) <= 10
    assert not {"SAVEPOINT", "RELEASE"} & set(statements)
    # The single use of the state is one statement, and a transaction of its own; everything else is written in one.
    begun = statements.index("BEGIN")
    assert statements.count("BEGIN") == 1
    assert [word for word in statements[:begun] if word in WRITING] == ["INSERT"]
    assert [word for word in statements[begun:] if word in WRITING] == ["UPDATE", "DELETE", "INSERT", "INSERT"]
    assert statements[-1] == "COMMIT"


def test_no_transaction_is_open_while_the_provider_answers(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    open_then: list[bool] = []
    here = connections["default"]  # of the thread that takes the callback; the provider answers in another

    def while_it_waits(honest: dict[str, Any]) -> object:
        open_then.append(here.in_atomic_block)
        return honest["sub"]

    location = browser_client.at_provider(browser_client.begin())
    with tenant.lying(claims={"sub": while_it_waits}):
        assert browser_client.come_back(location).status_code == 303
    assert open_then == [False]


def test_rules_for_claims_that_change_nothing_cost_one_statement(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """The rules are remembered until the provider changes; what is asked anew is the person's memberships."""
    claim_rules.map_claim(actor=OPERATOR, provider=provider, field="given_name", claim="given_name")
    group = add_group(actor=OPERATOR, name="Staff")
    claim_rules.add_claim_group(actor=OPERATOR, provider=provider, claim="roles", value="Staff", group=group)
    with tenant.lying(claims={"roles": ["Staff"]}):
        assert browser_client.federated_sign_in().status_code == 303
        browser_client.post("/logout/")
        location = browser_client.at_provider(browser_client.begin())
        with CaptureQueriesContext(connection) as captured:
            assert browser_client.come_back(location).status_code == 303
    statements = [query["sql"].split()[0] for query in captured.captured_queries]
    assert len([word for word in statements if word not in CONTROL]) <= 11
    assert not {"SAVEPOINT", "RELEASE"} & set(statements)


def test_the_limits_cost_one_statement_where_a_sign_in_begins_and_none_after_that(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    warm_up(tenant)
    counted = []
    with CaptureQueriesContext(connection) as begun:
        location = browser_client.begin()
    location = browser_client.at_provider(location)
    with CaptureQueriesContext(connection) as finished:
        assert browser_client.come_back(location).status_code == 303
    for captured in (begun, finished):
        counted.append([query["sql"] for query in captured.captured_queries if "users_ratecount" in query["sql"]])
    assert [len(statements) for statements in counted] == [1, 0]
    assert counted[0][0].strip().startswith("INSERT")


def test_redis_takes_that_one_off_the_database(
    redis_server: RedisServer,
    tenant: PracticeTenant,
    provider: IdentityProvider,
    ada: User,
    browser_client: Browser,
) -> None:
    with CaptureQueriesContext(connection) as captured:
        browser_client.begin()
    assert not [query for query in captured.captured_queries if "users_ratecount" in query["sql"]]
    assert len(redis_server.keys()) == 1
