"""How the company presents itself, and how new people begin: name, logo, support contact, default states."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from ipaddress import ip_address
from urllib.parse import urlsplit

from users import branding, contact, names
from users.audit import Actor, audited, record
from users.default_states import COLUMNS, STATES
from users.errors import CompanyEmailInvalid, DirectoryError
from users.logo import Logo, clean_logo
from users.models import Organization, OrganizationLogo, Source, State
from users.organization_errors import (
    DefaultStateInvalid,
    OrganizationNameInvalid,
    SupportEmailInvalid,
    SupportNoteInvalid,
    SupportUrlInvalid,
)
from users.people_errors import PhoneNumberInvalid
from users.permissions import Permission
from users.services import require

NAME_LENGTH, URL_LENGTH, NOTE_LENGTH = 100, 500, 200
_HOST_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)


@audited("users.organization.name_set")
def set_name(*, actor: Actor, name: str) -> Organization:
    """Say what the company is called; "" takes the name away.

    Raises:
        OrganizationNameInvalid: it cannot be shown.
    """
    require(actor, Permission.MANAGE_ORGANIZATION)
    return _change(actor, "users.organization.name_set", {"name": clean_name(name)})


@audited("users.organization.support_set")
def set_support(*, actor: Actor, email: str = "", url: str = "", phone: str = "", note: str = "") -> Organization:
    """Say whom people ask for help, as the whole contact; "" leaves that way out.

    Raises:
        SupportEmailInvalid, SupportUrlInvalid, PhoneNumberInvalid, SupportNoteInvalid: one cannot be used.
    """
    require(actor, Permission.MANAGE_ORGANIZATION)
    return _change(actor, "users.organization.support_set", clean_support(email=email, url=url, phone=phone, note=note))


@audited("users.organization.default_states_set")
def set_default_states(*, actor: Actor, states: Mapping[Source, State]) -> Organization:
    """Say in which state new people of these sources begin. Those who are there already stay as they are.

    Raises:
        DefaultStateInvalid: nobody can begin so, or nobody comes from there.
    """
    require(actor, Permission.MANAGE_ORGANIZATION)
    return _change(actor, "users.organization.default_states_set", clean_default_states(states))


@audited("users.organization.logo_set")
def set_logo(*, actor: Actor, data: bytes) -> OrganizationLogo:
    """Show this picture as the company's logo, instead of the one before.

    Raises:
        LogoMissing, LogoTooLarge, LogoIsDrawing, LogoUnreadable: it is none that can be shown.
    """
    require(actor, Permission.MANAGE_ORGANIZATION)
    logo = clean_logo(data)
    _locked()
    stored = OrganizationLogo.objects.filter(pk=1).first()
    if stored is not None and stored.sha256 == logo.sha256:
        return stored
    changes = {"from": _size_and_sha(stored), "to": _size_and_sha(logo)}
    stored = OrganizationLogo.objects.update_or_create(pk=1, defaults=asdict(logo))[0]
    branding.forget()
    record("users.organization.logo_set", actor=actor, details={"logo": changes})
    return stored


@audited("users.organization.logo_removed")
def remove_logo(*, actor: Actor) -> None:
    """Show no logo any more. Doing it twice changes nothing."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    _locked()
    stored = OrganizationLogo.objects.filter(pk=1).first()
    if stored is None:
        return
    before = _size_and_sha(stored)
    stored.delete()
    branding.forget()
    record("users.organization.logo_removed", actor=actor, details={"logo": {"from": before, "to": None}})


def _size_and_sha(logo: Logo | OrganizationLogo | None) -> dict[str, object] | None:
    """Return what the audit log says of a logo, which is not the picture."""
    return {"sha256": logo.sha256, "width": logo.width, "height": logo.height} if logo else None


def clean_name(text: str) -> str:
    """Return the company's name on one line, or raise OrganizationNameInvalid."""
    return _line(text, NAME_LENGTH, OrganizationNameInvalid())


def clean_support(*, email: str, url: str, phone: str, note: str) -> dict[str, str]:
    """Return the columns of the support contact; raises what `set_support` names."""
    return {
        "support_email": _email(email),
        "support_url": _url(url),
        "support_phone": _phone(phone),
        "support_note": _line(note, NOTE_LENGTH, SupportNoteInvalid()),
    }


def clean_default_states(states: Mapping[Source, State]) -> dict[str, str]:
    """Return the columns of the default states, or raise DefaultStateInvalid."""
    for source, state in states.items():
        if source not in COLUMNS or state not in STATES:
            raise DefaultStateInvalid(field=COLUMNS.get(source), state=str(state))
    return {COLUMNS[source]: state.value for source, state in states.items()}


def _line(text: str, length: int, error: DirectoryError) -> str:
    """Return a text in Unicode normal form C with single spaces, or raise the error for what cannot be seen."""
    text = names.one_line(text)
    if len(text) > length or not names.is_visible(text):
        raise error
    return text


def _email(text: str) -> str:
    try:
        return names.normalise_email(text) if text.strip() else ""
    except CompanyEmailInvalid as error:
        raise SupportEmailInvalid() from error


def _url(text: str) -> str:
    """Return an https address with a host and without credentials, or ""."""
    text = text.strip()
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        is_plain = text.isascii() and text.isprintable() and not set(text) & set(' "<>\\')
        has_port = parts.port != 0
    except ValueError as error:
        raise SupportUrlInvalid() from error
    leads_somewhere = (
        parts.scheme == "https" and has_port and "@" not in parts.netloc and _is_host(parts.hostname or "")
    )
    if not leads_somewhere or not is_plain or len(text) > URL_LENGTH:
        raise SupportUrlInvalid()
    return "https" + text[5:]


def _is_host(text: str) -> bool:
    """Return whether it is an address, or a name of which each part is one: "..." is none."""
    try:
        return bool(ip_address(text))
    except ValueError:
        labels = text.removesuffix(".").split(".")
        return all(_HOST_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit() and len(text) < 254


def _phone(text: str) -> str:
    try:
        return contact.normalise_phone_number(text)
    except PhoneNumberInvalid as error:
        raise PhoneNumberInvalid(field="support_phone") from error


def _locked() -> Organization:
    """Return the organization's row, locked: whoever changes any of this comes one after the other."""
    return Organization.objects.select_for_update().get_or_create(pk=1)[0]


def _change(actor: Actor, action: str, wanted: Mapping[str, str]) -> Organization:
    """Store what differs, with an audit row that says from what to what."""
    organization = _locked()
    changes = {
        name: {"from": getattr(organization, name), "to": value}
        for name, value in wanted.items()
        if getattr(organization, name) != value
    }
    if changes:
        for name in changes:
            setattr(organization, name, wanted[name])
        organization.save(update_fields=[*changes, "updated_at"])
        branding.forget()
        record(action, actor=actor, details=changes)
    return organization
