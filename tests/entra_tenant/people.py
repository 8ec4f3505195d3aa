"""The people of the practice tenant: twelve invented employees of Contoso."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

DOMAIN = "contoso.example"

# Object ids are derived, not drawn, so that a restarted demo knows everybody by the same id.
_NAMESPACE = uuid.UUID("6f1c9f0e-6d0a-4c53-9a3e-2f6a4f1b7c11")
FABRIKAM_TENANT_ID = str(uuid.uuid5(_NAMESPACE, "fabrikam.example"))

GatehouseState = Literal["active", "staged", "suspended", "admin", "absent"]


@dataclass(frozen=True, kw_only=True)
class Person:
    """One account of the tenant, and what Gatehouse is meant to know about its owner."""

    name: str
    given_name: str
    family_name: str
    email: str
    """The `email` claim exactly as the token carries it."""
    upn: str
    oid: str
    acct: int = 0
    """0: a member of the tenant, 1: a guest."""
    extra: Mapping[str, object] = field(default_factory=dict)
    """Claims that only this person's tokens carry; a None removes a claim."""
    gatehouse: GatehouseState = "active"
    remark: str = ""
    """What the sign-in page adds about a special case."""

    @property
    def directory_email(self) -> str:
        """The company email under which Gatehouse keeps this person."""
        return self.email.lower()

    @property
    def user_name(self) -> str:
        """A user name for Gatehouse: the part before the @."""
        return self.directory_email.partition("@")[0]

    @property
    def note(self) -> str:
        """What a newcomer should expect when signing in as this person; empty for the ordinary case."""
        if self.remark:
            return self.remark
        return {
            "active": "",
            "staged": "staged in Gatehouse: will be refused",
            "suspended": "suspended in Gatehouse: will be refused",
            "admin": "an administrator of Gatehouse: will not be linked automatically",
            "absent": "unknown to Gatehouse: will be refused",
        }[self.gatehouse]

    def is_called(self, text: str) -> bool:
        """Whether a login hint means this person."""
        return text.strip().lower() in {self.email.lower(), self.upn.lower(), self.oid}


def make_person(
    name: str,
    *,
    email: str = "",
    upn: str = "",
    acct: int = 0,
    gatehouse: GatehouseState = "active",
    remark: str = "",
    extra: Mapping[str, object] | None = None,
) -> Person:
    """A person from a name; what is not given follows from it (`ada.lovelace@contoso.example`)."""
    given_name, _, family_name = name.partition(" ")
    email = email or f"{given_name}.{family_name}@{DOMAIN}".lower().replace(" ", "-")
    upn = upn or email.lower()
    return Person(
        name=name,
        given_name=given_name,
        family_name=family_name,
        email=email,
        upn=upn,
        oid=str(uuid.uuid5(_NAMESPACE, upn)),
        acct=acct,
        extra=extra or {},
        gatehouse=gatehouse,
        remark=remark,
    )


PRACTICE_PEOPLE: tuple[Person, ...] = (
    make_person("Ada Lovelace", email=f"ada@{DOMAIN}"),
    make_person("Grace Hopper", email=f"grace@{DOMAIN}"),
    make_person("Alan Turing", email=f"alan@{DOMAIN}"),
    make_person("Katherine Johnson", email=f"katherine@{DOMAIN}"),
    make_person("Edsger Dijkstra", email=f"edsger@{DOMAIN}"),
    make_person("Mary Jackson", email=f"mary@{DOMAIN}"),
    make_person(
        "Margaret Hamilton",
        email="Margaret.Hamilton@Contoso.Example",
        remark="her email is written in mixed case here: must still be found",
    ),
    make_person("Annie Easley", email=f"annie@{DOMAIN}", gatehouse="staged"),
    make_person("Charles Babbage", email=f"charles@{DOMAIN}", gatehouse="suspended"),
    make_person("Hedy Lamarr", email=f"hedy@{DOMAIN}", gatehouse="admin"),
    make_person("Claude Shannon", email=f"claude@{DOMAIN}", gatehouse="absent"),
    make_person(
        "Emmy Noether",
        email="emmy@fabrikam.example",
        upn=f"emmy_fabrikam.example#EXT#@{DOMAIN}",
        acct=1,
        extra={"idp": f"https://sts.windows.net/{FABRIKAM_TENANT_ID}/"},
        remark="a guest from Fabrikam: refused unless the provider allows guests",
    ),
)
