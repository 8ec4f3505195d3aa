"""What an administrator enters for an access policy, checked and put into normal form."""

import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from idp.access import parse_network
from idp.access_errors import (
    AccessActionUnknown,
    AccessAudienceMissing,
    AccessContradictory,
    AccessDescriptionInvalid,
    AccessNameInvalid,
    AccessNameTaken,
    AccessNetworkInvalid,
    AccessNetworksMissing,
    AccessTimeIncomplete,
    AccessTimeZoneUnknown,
    AccessTooMany,
    AccessWeekdaysInvalid,
)
from idp.models import AccessAction, AccessPolicy, IdentityProvider
from users.errors import NameInvalid
from users.models import Group, User
from users.names import clean_name

MOST_POLICIES = 200
MOST_NAMED = 100
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# "group", "person" or "provider"; whether it is an exception; the id.
Named = tuple[str, bool, uuid.UUID]


@dataclass(frozen=True)
class AccessInput:
    """An access policy as it is entered.

    Attributes:
        action: one of `AccessAction`.
        everyone: everybody who is not excepted; groups and people are passed over then.
        network_side: "inside" or "outside" of the networks, or "" for anywhere.
        networks: as texts; passed over where the side is "".
        providers, local_sign_in: with which of these somebody must have signed in; none of them: however she does.
        token_second_factor: "present", "absent", or "" for either.
        time_side: "inside" or "outside" of the hours, or "" for always.
        weekdays: on which the hours begin, of `WEEKDAYS`; none for every day.
    """

    name: str
    action: str
    description: str = ""
    enabled: bool = True
    everyone: bool = False
    groups: Collection[Group] = ()
    people: Collection[User] = ()
    except_groups: Collection[Group] = ()
    except_people: Collection[User] = ()
    network_side: str = ""
    networks: Sequence[str] = ()
    providers: Collection[IdentityProvider] = ()
    local_sign_in: bool = False
    token_second_factor: str = ""
    time_side: str = ""
    weekdays: Collection[str] = ()
    time_from: time | None = None
    time_to: time | None = None
    time_zone: str = ""

    def named(self) -> list[Named]:
        """Return whom and what the policy names.

        Raises:
            AccessAudienceMissing, AccessContradictory, AccessTooMany: bad input.
        """
        groups = {} if self.everyone else {group.pk: group.name for group in self.groups}
        people = {} if self.everyone else {person.pk: person.company_email for person in self.people}
        except_groups = {group.pk: group.name for group in self.except_groups}
        except_people = {person.pk: person.company_email for person in self.except_people}
        if not (self.everyone or groups or people):
            raise AccessAudienceMissing()
        for taken, excepted, field in (
            (groups, except_groups, "except_groups"),
            (people, except_people, "except_people"),
        ):
            for pk in taken.keys() & excepted.keys():
                raise AccessContradictory(field=field, name=taken[pk])
            if len(taken) + len(excepted) > MOST_NAMED:
                what = f"{field.removeprefix('except_')} in an access policy"
                raise AccessTooMany(field=field, most=MOST_NAMED, what=what)
        return [
            *_rows("group", groups, False),
            *_rows("group", except_groups, True),
            *_rows("person", people, False),
            *_rows("person", except_people, True),
            *(("provider", False, provider.pk) for provider in self.providers),
        ]

    def fill(self, policy: AccessPolicy) -> None:
        """Take it over into a policy that is not saved yet.

        Raises:
            AccessNameInvalid, AccessDescriptionInvalid, AccessNameTaken, AccessActionUnknown, AccessNetworkInvalid,
            AccessNetworksMissing, AccessTooMany, AccessTimeIncomplete, AccessTimeZoneUnknown, AccessWeekdaysInvalid:
            bad input.
        """
        self._fill_words(policy)
        if self.action not in AccessAction.values:
            raise AccessActionUnknown(action=self.action[:40])
        policy.action, policy.enabled, policy.everyone = self.action, self.enabled, self.everyone
        policy.network_side = self.network_side
        policy.networks = _networks(self.networks) if self.network_side else []
        if self.network_side and not policy.networks:
            raise AccessNetworksMissing()
        policy.local_sign_in, policy.token_second_factor = self.local_sign_in, self.token_second_factor
        self._fill_hours(policy)

    def _fill_words(self, policy: AccessPolicy) -> None:
        try:
            policy.name = clean_name(self.name, longest=100)
        except NameInvalid as error:
            raise AccessNameInvalid() from error
        if not policy.name:
            raise AccessNameInvalid()
        try:
            policy.description = clean_name(" ".join(self.description.split()), longest=500)
        except NameInvalid as error:
            raise AccessDescriptionInvalid() from error
        if policy.name_is_taken():
            raise AccessNameTaken(name=policy.name)

    def _fill_hours(self, policy: AccessPolicy) -> None:
        policy.time_side = self.time_side
        policy.weekdays, policy.time_from, policy.time_to, policy.time_zone = "", None, None, ""
        if not self.time_side:
            return
        if self.time_from is None or self.time_to is None:
            raise AccessTimeIncomplete(field="time_from" if self.time_from is None else "time_to")
        if self.time_zone not in _zones():
            raise AccessTimeZoneUnknown(zone=self.time_zone[:64] or "Nothing")
        if unknown := set(self.weekdays) - set(WEEKDAYS):
            raise AccessWeekdaysInvalid(weekdays=", ".join(sorted(unknown))[:100])
        days = [day for day in WEEKDAYS if day in self.weekdays] or WEEKDAYS
        policy.weekdays = "".join(str(WEEKDAYS.index(day)) for day in days)
        policy.time_from, policy.time_to, policy.time_zone = self.time_from, self.time_to, self.time_zone


def facts_of(policy: AccessPolicy, given: AccessInput) -> dict[str, Any]:
    """Return what a policy says, for the audit row."""
    facts: dict[str, Any] = {
        "action": policy.action,
        "enabled": policy.enabled,
        "resource": policy.get_resource_display(),
        "everyone": given.everyone,
        "groups": [] if given.everyone else sorted(group.name for group in given.groups),
        "people": [] if given.everyone else sorted(person.company_email for person in given.people),
        "except_groups": sorted(group.name for group in given.except_groups),
        "except_people": sorted(person.company_email for person in given.except_people),
        "network_side": policy.network_side,
        "networks": policy.networks,
        "sign_ins": sorted(provider.name for provider in given.providers) + ["local"] * given.local_sign_in,
        "token_second_factor": policy.token_second_factor,
        "time_side": policy.time_side,
    }
    if policy.time_from and policy.time_to:
        days = ", ".join(WEEKDAYS[int(day)] for day in policy.weekdays)
        facts["hours"] = f"{days} {policy.time_from:%H:%M} to {policy.time_to:%H:%M} {policy.time_zone}"
    return {name: value for name, value in facts.items() if value not in ([], "")}


def _rows(kind: str, named: dict[uuid.UUID, str], is_exception: bool) -> Iterator[Named]:
    return ((kind, is_exception, pk) for pk in named)


def _networks(texts: Sequence[str]) -> list[str]:
    """Return networks in normal form, each once."""
    found: dict[str, None] = {}
    for text in filter(None, (text.strip() for text in texts)):
        try:
            found[str(parse_network(text))] = None
        except ValueError as error:
            raise AccessNetworkInvalid(network=text[:80]) from error
    if len(found) > MOST_NAMED:
        raise AccessTooMany(field="networks", most=MOST_NAMED, what="networks in an access policy")
    return list(found)


@lru_cache(maxsize=1)
def _zones() -> set[str]:
    return available_timezones()
