"""What the access policies say of somebody: every decision beside that of a plain model, and the odd cases by name."""

import uuid
from datetime import UTC, datetime, time, timedelta
from ipaddress import ip_address
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.access import Action, Circumstances, Decision, Missed, Rule, Side, Window, decide, is_inside, parse_network
from idp.protocol.second_factor import has_second_factor

IDS = [uuid.UUID(int=number) for number in range(1, 5)]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]
NETWORKS = ["203.0.113.0/24", "203.0.113.64/26", "10.0.0.0/8", "2001:db8::/32", "198.51.100.7/32", "::/0"]
ADDRESSES = ["203.0.113.70", "203.0.113.1", "10.9.9.9", "198.51.100.7", "2001:db8::1", "::ffff:10.1.1.1", None, "no"]

some_ids = st.frozensets(st.sampled_from(IDS), max_size=2)
times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
rules = st.builds(
    Rule,
    policy_id=st.uuids(),
    action=st.sampled_from(Action),
    enabled=st.booleans(),
    everyone=st.booleans(),
    groups=some_ids,
    people=some_ids,
    except_groups=some_ids,
    except_people=some_ids,
    networks=st.lists(st.sampled_from(NETWORKS).map(parse_network), min_size=1, max_size=2).map(tuple),
    network_side=st.one_of(st.none(), st.sampled_from(Side)),
    sign_ins=st.frozensets(st.sampled_from([None, *IDS]), max_size=2),
    token_second_factor=st.sampled_from([None, True, False]),
    window=st.one_of(
        st.none(),
        st.builds(Window, st.frozensets(st.integers(0, 6), min_size=1), times, times, st.sampled_from(ZONES)),
    ),
    window_side=st.sampled_from(Side),
)
circumstances = st.builds(
    Circumstances,
    person_id=st.sampled_from(IDS),
    groups=some_ids,
    client_ip=st.sampled_from(ADDRESSES),
    provider_id=st.sampled_from([None, *IDS]),
    token_second_factor=st.booleans(),
    at=st.datetimes(datetime(2030, 1, 1), datetime(2031, 12, 31), timezones=st.just(UTC)),
)


def in_hours(window: Window, at: datetime) -> bool:
    """The hours as an administrator would read them: is there a day on which they began and are not over yet?"""
    local = at.astimezone(ZoneInfo(window.zone)).replace(tzinfo=None)
    for days_ago in (0, 1):
        day = local.date() - timedelta(days=days_ago)
        begin, end = datetime.combine(day, window.begins), datetime.combine(day, window.ends)
        end += timedelta(days=1) if end <= begin else timedelta()
        if day.weekday() in window.days and begin <= local < end:
            return True
    return False


def in_networks(address: str | None, rule: Rule) -> bool:
    """The networks as ranges of numbers, an IPv4 address the same in either dress."""
    if address in (None, "no"):
        return False
    mapped = getattr(ip_address(address), "ipv4_mapped", None)
    number, version = int(mapped or ip_address(address)), 4 if mapped else ip_address(address).version
    return any(n.version == version and int(n[0]) <= number <= int(n[-1]) for n in rule.networks)


def plainly_fits(rule: Rule, who: Circumstances) -> bool:
    """All the sentences of a policy, one after the other."""
    named = rule.everyone or who.person_id in rule.people or not who.groups.isdisjoint(rule.groups)
    excepted = who.person_id in rule.except_people or not who.groups.isdisjoint(rule.except_groups)
    place = {None: True, "inside": in_networks(who.client_ip, rule), "outside": not in_networks(who.client_ip, rule)}
    hours = rule.window is None or in_hours(rule.window, who.at) is (rule.window_side == "inside")
    token = {None: True, True: who.token_second_factor, False: not who.token_second_factor}
    sentences = [
        rule.enabled,
        named and not excepted,
        place[rule.network_side],
        hours,
        token[rule.token_second_factor],
        not rule.sign_ins or who.provider_id in rule.sign_ins,
    ]
    return all(sentences)


@settings(max_examples=600, deadline=None)
@given(listed=st.lists(rules, max_size=5), who=circumstances, default=st.sampled_from(Action))
def test_every_decision_is_that_of_the_plain_model(listed: list[Rule], who: Circumstances, default: Action) -> None:
    fitting = [rule for rule in listed if plainly_fits(rule, who)]
    expected = Decision(fitting[0].action, fitting[0]) if fitting else Decision(default)
    assert decide(listed, who, default) == expected


def test_an_address_is_the_same_in_either_dress() -> None:
    office = (parse_network("203.0.113.0/24"),)
    assert is_inside("::ffff:203.0.113.7", office) and is_inside("203.0.113.7", office)
    assert parse_network("::ffff:203.0.113.0/120") == office[0]
    assert not is_inside("203.0.113.7", (parse_network("::/0"),))
    assert not is_inside(None, office) and not is_inside("", office) and not is_inside("proxy", office)
    assert is_inside("fe80::1%eth0", (parse_network("fe80::/10"),))
    for wrong in ("203.0.113.7/24", "office", "203.0.113.0/33", ""):
        with pytest.raises(ValueError):
            parse_network(wrong)


def test_an_unknown_address_is_outside_of_every_network() -> None:
    office = {"policy_id": IDS[0], "everyone": True, "networks": (parse_network("203.0.113.0/24"),)}
    who = Circumstances(IDS[0], frozenset(), None, None, False, datetime(2030, 1, 7, tzinfo=UTC))
    assert Rule(action=Action.ALLOW, network_side=Side.INSIDE, **office).missed(who) == Missed.NETWORK  # type: ignore[arg-type]
    assert Rule(action=Action.DENY, network_side=Side.OUTSIDE, **office).missed(who) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2030-01-11 21:59", False),  # Friday, a minute too early
        ("2030-01-11 22:00", True),
        ("2030-01-12 05:59", True),  # Saturday: the night of Friday
        ("2030-01-12 06:00", False),
        ("2030-01-12 23:00", False),  # Saturday is none of its days
        ("2030-01-07 03:00", False),  # Monday: the night of Sunday, which is none either
    ],
)
def test_hours_over_midnight_belong_to_the_day_on_which_they_begin(local: str, expected: bool) -> None:
    nights = Window(frozenset(range(5)), time(22), time(6), "Europe/Berlin")
    at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    assert nights.holds(at) is nights.holds(at.astimezone(UTC)) is expected


def test_hours_follow_the_clocks_of_their_place_through_the_year() -> None:
    morning = Window(frozenset(range(7)), time(8), time(9), "Europe/Berlin")
    assert morning.holds(datetime(2030, 1, 7, 7, 30, tzinfo=UTC))
    assert morning.holds(datetime(2030, 7, 8, 6, 30, tzinfo=UTC))
    assert not morning.holds(datetime(2030, 7, 8, 7, 30, tzinfo=UTC))


@pytest.mark.spec("RFC 8176", "2")
@pytest.mark.parametrize(
    ("amr", "expected"),
    [
        (["mfa"], True),
        (["pwd", "mfa"], True),
        (["ngcmfa"], True),
        (["pwd", "otp"], True),
        (["pwd", "sms"], True),
        (["hwk", "pin"], True),
        (["hwk", "fpt"], True),
        (["pwd"], False),
        (["otp"], False),
        (["hwk", "swk"], False),
        (["pwd", "pin"], False),
        (["pwd", "rba", "wia"], False),
        ([], False),
        ("mfa", False),
        (["MFA", 1, None, ["mfa"]], False),
        (None, False),
    ],
)
def test_what_counts_as_a_second_factor_in_a_token(amr: object, expected: bool) -> None:
    assert has_second_factor({"amr": amr}) is expected
    assert has_second_factor({}) is False
