"""How much may come in: how often from one address, and how large. Every number that is a limit of that kind is here.

Where a view is not named, the usual limits hold, so that a new page has limits before anybody thinks of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from users.logo import MAX_BYTES as LOGO
from users.people_csv import MAX_BYTES as PEOPLE_FILE

KIB = 1024
MINUTE = 60


@dataclass(frozen=True)
class Rate:
    """How many requests of one kind an address may send in a window of time.

    Attributes:
        most: where RATE_LIMIT_FACTOR is 1.
        seconds: how long a window is.
        why: what the number goes by.
    """

    most: int
    seconds: int
    why: str

    @property
    def allowed(self) -> int:
        """How many that are in this installation."""
        return max(1, int(self.most * settings.RATE_LIMIT_FACTOR))


_OFFICE = "At nine some five thousand people come in from one address within ten minutes. It costs one row and no hash."
_GUESSED = "An office at nine, too. Each costs a hash, two at a time; failures are counted apart, and lower."
_LINKS = "Each costs a password hash, once its link was right. A department that was invited answers within minutes."
_MAILED = "It sends mail. The page itself refuses after twenty; what comes on top of that is not even looked at."
_FEW = "Administrators are few, and what they get at here is the most that there is."
_SERVERS = "A provider's servers send one for each session, and many may end at once. It costs a check of a signature."

USUAL = Rate(300, MINUTE, "A page that nobody named here.")
VISITOR = Rate(120, MINUTE, "Forms of pages that need a sign-in, from people whose session has ended.")
RATES = {
    "user_portal:sign_in": Rate(600, MINUTE, _OFFICE),
    "user_portal:second_step": Rate(600, MINUTE, _OFFICE),
    "user_portal:sign_out": Rate(600, MINUTE, _OFFICE),
    "federation_callback": Rate(600, MINUTE, _OFFICE),
    "initiate_login": Rate(600, MINUTE, _OFFICE),
    "user_portal:password": Rate(600, MINUTE, _GUESSED),
    "user_portal:forgot_password": Rate(40, 15 * MINUTE, _MAILED),
    "user_portal:reset_password": Rate(120, MINUTE, _LINKS),
    "user_portal:accept_invitation": Rate(120, MINUTE, _LINKS),
    "admin_portal:sign_in": Rate(60, MINUTE, _FEW),
    "admin_portal:second_step": Rate(60, MINUTE, _FEW),
    "admin_portal:forgot_password": Rate(40, 15 * MINUTE, _MAILED),
    "admin_portal:reset_password": Rate(30, MINUTE, _FEW),
    "admin_portal:accept_invitation": Rate(30, MINUTE, _FEW),
    "admin_portal:break_glass": Rate(20, MINUTE, _FEW),
    "admin_portal:set_up": Rate(20, MINUTE, _FEW),
    "backchannel_logout": Rate(3000, MINUTE, _SERVERS),
}

# Pages that write a row although they are only shown: a session in which a sign-in begins, or a refusal. Everybody's
# browser comes by here, and an image on any other site's page may point here: so there is room for an office and such
# a page together, and what the database could not bear is more. Signed in or not, because the row is the same.
_WRITES = "It writes one row. Links, and not forms: another site can let a browser ask for them."
SHOWN = Rate(3000, MINUTE, _WRITES)
SHOWN_AND_COUNTED = {
    "federation_begin",
    "federation_callback",
    "initiate_login",
    "frontchannel_logout",
    "metrics",
    "user_portal:reset_password",
    "user_portal:accept_invitation",
    "admin_portal:reset_password",
    "admin_portal:accept_invitation",
    "admin_portal:break_glass",
    "admin_portal:set_up",
}
# Of these, each process takes a tenth without asking what the others counted, so that a usual sign-in costs no
# statement more. With eight processes an address may get 1.7 times the number.
UNCOUNTED_SHARE = 10

# Of whoever is not signed in. A password, an email and a provider's answer have room in it many times over.
PUBLIC_BODY = 64 * KIB
# Of whoever is signed in: the largest usual form has several lists of 20,000 characters.
BODY = 256 * KIB
_FRAME = 64 * KIB  # what a form adds around a file or a long text
# Of whoever is signed in, on these pages.
BODIES = {
    "admin_portal:paste_group_members": settings.DATA_UPLOAD_MAX_MEMORY_SIZE + _FRAME,
    "admin_portal:map_links": settings.DATA_UPLOAD_MAX_MEMORY_SIZE + _FRAME,
    "admin_portal:set_logo": LOGO + _FRAME,
    "admin_portal:import_people": PEOPLE_FILE + _FRAME,
}


def is_public(view: Callable[..., Any]) -> bool:
    """Return whether a view answers people who are not signed in."""
    return not getattr(view, "login_required", True)


def rate_of(view: Callable[..., Any], name: str) -> tuple[str, Rate]:
    """Return what the requests for a view are counted under, and how many there may be.

    Args:
        name: the view's, with its namespace.
    """
    return (name, RATES.get(name, USUAL)) if is_public(view) else ("visitor", VISITOR)


def body_limit(name: str, *, signed_in: bool) -> int:
    """Return how many bytes a request for a view may bring."""
    return BODIES.get(name, BODY) if signed_in else PUBLIC_BODY
