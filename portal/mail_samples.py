"""Every mail that Gatehouse sends, with made-up facts: for a look at it before anybody gets it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from idp.expiry import Expiry
from idp.models import GuardOutcome, IdentityProvider, RoutingGuard
from users import mails
from users.action_links import LIFETIME_WORDS, LIFETIMES
from users.break_glass import SUBJECTS as BREAK_GLASS_SUBJECTS
from users.mailing import SUBJECTS
from users.models import ActionLink, AdminRole, LinkPurpose, State, User
from users.notices import FACTOR_CHANGES, WAYS
from users.permission_words import words_of_role

ADDRESS = "ada@contoso.example"
INVITER = "Grace Hopper"


def _person(**fields: Any) -> User:
    values = {"company_email": ADDRESS, "display_name": "Ada Lovelace", "state": State.ACTIVE}
    return User(**{**values, **fields})


def _link(purpose: LinkPurpose, **facts: Any) -> tuple[str, dict[str, Any]]:
    context = {
        "person": _person(),
        "url": mails.public("user_portal:home") + "only-a-sample/",
        "lifetime": LIFETIME_WORDS[purpose],
        "expires_at": timezone.now() + LIFETIMES[purpose],
        "by": INVITER,
    }
    return SUBJECTS[purpose], {**context, **facts}


def _administrator_invitation() -> tuple[str, dict[str, Any]]:
    role = AdminRole.HELP_DESK
    return _link(LinkPurpose.ADMINISTRATOR_INVITATION, role=role.label, may=words_of_role(role))


def _invitation() -> tuple[str, dict[str, Any]]:
    return _link(LinkPurpose.INVITATION, activates=False, person=_person(state=State.STAGED))


def _password_reset() -> tuple[str, dict[str, Any]]:
    return _link(LinkPurpose.PASSWORD_RESET, by="", by_request=True)


def _password_at_provider() -> tuple[str, dict[str, Any]]:
    provider = "Contoso Entra"
    context = {"person": _person(), "provider": provider, "url": mails.public("user_portal:sign_in")}
    return f"Your password is kept by {provider}", context


def _password_changed() -> tuple[str, dict[str, Any]]:
    context = {"person": _person(), "way": WAYS["link"], "at": timezone.now(), "address": "203.0.113.9"}
    return "Your Gatehouse password was changed", context


def _role_changed() -> tuple[str, dict[str, Any]]:
    before, role = AdminRole.ADMINISTRATOR.label, AdminRole.HELP_DESK.label
    context = {"person": _person(), "role": role, "before": before, "by": INVITER, "at": timezone.now()}
    return f"You are now {role} in Gatehouse", {**context, "url": mails.public("admin_portal:home")}


def _email_changed() -> tuple[str, dict[str, Any]]:
    context = {"person": _person(), "former": "ada.byron@contoso.example", "by": INVITER, "at": timezone.now()}
    return "Your Gatehouse email was changed", context


def _second_factor_changed() -> tuple[str, dict[str, Any]]:
    change = FACTOR_CHANGES["passkey added"]
    context = {"person": _person(), "change": change, "at": timezone.now(), "address": "203.0.113.9"}
    return "Your second factor at Gatehouse was changed", context


def _credential_expiry() -> tuple[str, dict[str, Any]]:
    provider = IdentityProvider(name="Contoso Entra")
    expiry = Expiry(provider, "client secret", "sample", timezone.localdate() + timedelta(days=14), None)
    url = mails.public("admin_portal:identity_providers")
    context = {"expiry": expiry, "provider": provider, "people": 120, "url": url}
    return f"{provider.name}: {expiry.title[0].lower()}{expiry.title[1:]}", context


def _guard_went_back() -> tuple[str, dict[str, Any]]:
    provider, now = IdentityProvider(name="Contoso Entra"), timezone.now()
    guard = RoutingGuard(
        provider=provider,
        started_at=now - timedelta(minutes=12),
        until=now,
        ended_at=now,
        failure_percent=50,
        outcome=GuardOutcome.FAILURES,
        failed=5,
        succeeded=2,
    )
    causes = [("Gatehouse does not know this account", 4), ("The provider did not answer in time", 1)]
    context = {"guard": guard, "provider": provider, "causes": causes, "url": mails.public("admin_portal:home")}
    return f"{provider.name}: federation went back by itself", context


def _break_glass(event: str, **facts: Any) -> tuple[str, dict[str, Any]]:
    person, now = _person(admin_role=AdminRole.ADMINISTRATOR), timezone.now()
    link = ActionLink(made_at=now, expires_at=now + LIFETIMES[LinkPurpose.BREAK_GLASS])
    context = {"person": person, "role": AdminRole.ADMINISTRATOR.label, "link": link, **facts}
    return BREAK_GLASS_SUBJECTS[event].format(label=person.label), context


def _break_glass_made() -> tuple[str, dict[str, Any]]:
    return _break_glass("made", by="operator (grace)", host="gatehouse-1")


def _break_glass_used() -> tuple[str, dict[str, Any]]:
    return _break_glass("used", at=timezone.now(), address="203.0.113.9", minutes=10)


SAMPLES: dict[str, Callable[[], tuple[str, dict[str, Any]]]] = {
    "administrator_invitation": _administrator_invitation,
    "invitation": _invitation,
    "password_reset": _password_reset,
    "password_at_provider": _password_at_provider,
    "password_changed": _password_changed,
    "role_changed": _role_changed,
    "email_changed": _email_changed,
    "second_factor_changed": _second_factor_changed,
    "break_glass_made": _break_glass_made,
    "break_glass_used": _break_glass_used,
    "credential_expiry": _credential_expiry,
    "guard_went_back": _guard_went_back,
}


def sample(name: str) -> EmailMultiAlternatives:
    """Return the mail of this name, as it would be sent to a made-up person. Reads and writes nothing."""
    subject, context = SAMPLES[name]()
    return mails.compose(name, subject, context, [ADDRESS])
