"""What claims change by a provider's rules, row by row: nothing here needs a database."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.claim_plan import ClaimPlan, GroupRule, Outcome, Rules, plan_claims
from idp.protocol.claim_values import left_out, texts_of
from users.models import User

PROVIDER, OTHER, SALES, STAFF = (UUID(int=number) for number in range(1, 5))
OVERAGE = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example/x"}}}


def plan_field(field: str, claims: dict[str, Any], now: str = "Old") -> tuple[str, str]:
    person = User(company_email="ada@contoso.example", **{field: now})
    (only,) = plan_claims(Rules(PROVIDER, {field: "x"}), claims, person, {}).fields
    return only.outcome.value, only.then


FIELDS = [
    ("title", {"x": "Engineer"}, "changes", "Engineer"),
    ("title", {"x": "  Lead \u2009 Engineer "}, "changes", "Lead \u2009 Engineer"),
    ("title", {"x": "Old"}, "same", "Old"),
    ("title", {}, "missing", "Old"),
    ("title", {"x": None}, "missing", "Old"),
    ("title", {"x": " "}, "missing", "Old"),
    ("title", {"x": ["Engineer"]}, "unusable", "Old"),
    ("title", {"x": 7}, "unusable", "Old"),
    ("title", {"x": True}, "unusable", "Old"),
    ("title", {"x": {"a": 1}}, "unusable", "Old"),
    ("title", {"x": "y" * 151}, "unclean", "Old"),
    ("display_name", {"x": "Ada\u202eecalevoL"}, "unclean", "Old"),
    ("department", {"x": "R&D\nLondon"}, "unclean", "Old"),
    ("given_name", {"_claim_names": {"x": "src1"}}, "elsewhere", "Old"),
    ("given_name", {"x": "Ada", "_claim_names": {"x": "src1"}}, "elsewhere", "Old"),
    ("locale", {"x": "en_gb"}, "changes", "en-GB"),
    ("locale", {"x": "zh-hant-tw"}, "changes", "zh-Hant-TW"),
    ("locale", {"x": "English"}, "unclean", "Old"),
    ("locale", {"x": "en-"}, "unclean", "Old"),
]


@pytest.mark.parametrize(("field", "claims", "outcome", "then"), FIELDS)
def test_what_becomes_of_a_field(field: str, claims: dict[str, Any], outcome: str, then: str) -> None:
    assert plan_field(field, claims) == (outcome, then)


RULES = (GroupRule("roles", "Sales", SALES), GroupRule("roles", "Sales.Lead", SALES), GroupRule("groups", "s", STAFF))
NOBODY: dict[UUID, UUID | None] = {}
GROUPS: list[tuple[dict[str, Any], dict[UUID, UUID | None], str, str]] = [
    ({"roles": ["Sales"], "groups": ["s", "t"]}, NOBODY, "joins", "joins"),
    ({"roles": "Sales.Lead", "groups": "t"}, NOBODY, "joins", "outside"),
    ({"roles": ["Sales"]}, {SALES: None}, "member", "missing"),
    ({"roles": ["sales"], "groups": []}, {SALES: PROVIDER, STAFF: PROVIDER}, "leaves", "leaves"),
    ({"roles": ["Other"], "groups": ["t"]}, {SALES: None, STAFF: OTHER}, "by_administrator", "by_administrator"),
    ({}, {SALES: PROVIDER, STAFF: PROVIDER}, "missing", "missing"),
    ({"roles": "", "groups": None}, {SALES: PROVIDER}, "missing", "missing"),
    ({"roles": {"Sales": 1}, "groups": ["s", 7]}, {SALES: PROVIDER}, "unusable", "unusable"),
    ({"roles": [], **OVERAGE}, {STAFF: PROVIDER}, "outside", "elsewhere"),
    ({"roles": [], "hasgroups": True}, {STAFF: PROVIDER}, "outside", "elsewhere"),
    ({"roles": [], "hasgroups": "true"}, NOBODY, "outside", "elsewhere"),
    # A token that says both is contradictory: it changes nothing.
    ({"roles": [], "groups": ["s"], **OVERAGE}, NOBODY, "outside", "elsewhere"),
]


@pytest.mark.parametrize(("claims", "memberships", "sales", "staff"), GROUPS)
def test_what_becomes_of_memberships(
    claims: dict[str, Any], memberships: dict[UUID, UUID | None], sales: str, staff: str
) -> None:
    plan = plan_claims(Rules(PROVIDER, {}, RULES), claims, User(), memberships)
    assert {each.group_id: each.outcome.value for each in plan.groups} == {SALES: sales, STAFF: staff}


def test_a_group_with_rules_of_two_claims_is_left_only_where_both_are_there() -> None:
    rules = Rules(PROVIDER, {}, (GroupRule("roles", "Sales", SALES), GroupRule("groups", "s", SALES)))

    def outcome(claims: dict[str, Any]) -> str:
        return plan_claims(rules, claims, User(), {SALES: PROVIDER}).groups[0].outcome.value

    assert outcome({"roles": ["x"]}) == "missing"
    assert outcome({"roles": ["x"], **OVERAGE}) == "elsewhere"
    assert outcome({"roles": ["x"], "groups": ["y"]}) == "leaves"
    assert outcome({"roles": ["x"], "groups": ["s"]}) == "member"


ANY_CLAIM = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text("Sales st", max_size=8),
    st.sampled_from(["Sales", "s", "src1"]),
    st.lists(
        st.one_of(st.sampled_from(["Sales", "s", "t"]), st.text("Sales st", max_size=3), st.integers()), max_size=4
    ),
    st.dictionaries(st.sampled_from(["groups", "roles", "x"]), st.text("Sales st", max_size=3), max_size=2),
)
ANY_TOKEN = st.dictionaries(st.sampled_from(["roles", "groups", "x", "hasgroups", "_claim_names"]), ANY_CLAIM)
ANY_OWNER = st.dictionaries(st.sampled_from([SALES, STAFF]), st.sampled_from([None, PROVIDER, OTHER]))


@given(claims=ANY_TOKEN, memberships=ANY_OWNER)
def test_no_token_takes_what_it_did_not_give_nor_changes_anything_by_silence(
    claims: dict[str, Any], memberships: dict[UUID, UUID | None]
) -> None:
    rules = Rules(PROVIDER, {"title": "x"}, RULES)
    plan: ClaimPlan = plan_claims(rules, claims, User(title="Old"), memberships)
    for move in plan.moves:
        assert all(isinstance(claims[claim], str | list) for claim in move.claims)
        if move.outcome is Outcome.LEAVES:
            assert memberships[move.group_id] == PROVIDER
        else:
            assert move.group_id not in memberships
    assert not plan.wanted or isinstance(claims["x"], str)
    without = {name: value for name, value in claims.items() if name.startswith(("_", "has"))}
    assert not plan_claims(rules, without, User(title="Old"), memberships).changes_something


def test_what_is_kept_of_a_token_for_trying_out_rules_is_text_about_the_person() -> None:
    claims = {"roles": ["a", "b"], "department": "R&D", "sub": "s", "sid": "s", "nonce": "n", "n": 1, "bad": ["a", 1]}
    claims |= {"nul": "a\x00", "long": "y" * 256, "empty": []}
    assert texts_of(claims) == {"roles": ["a", "b"], "department": "R&D", "empty": []}
    assert left_out({**claims, **OVERAGE}) == left_out({"hasgroups": True}) == ["groups"]
    assert left_out({"_claim_names": ["groups"]}) == left_out({"groups": ["a"], "hasgroups": True}) == []
