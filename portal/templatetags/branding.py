"""What pages show of the company. Each tag takes `branding` of the page, and shows nothing where nothing is set."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from django import template

from users.branding import Branding

register = template.Library()


@register.inclusion_tag("components/logo.html")
def company_logo(branding: Branding | None) -> dict[str, Any]:
    """Render the company's logo on a light plate, or nothing without one."""
    return {"branding": branding}


@register.inclusion_tag("components/support.html")
def support_contact(
    branding: Branding | None, *, reference: str = "", subject: str = "", level: int = 2
) -> dict[str, Any]:
    """Render whom to ask for help, or nothing where nobody is set.

    Args:
        reference: goes into the subject of the mail, so that the one who answers finds the audit row.
        subject: of the mail, where there is no reference.
        level: of the heading.
    """
    if not branding or not branding.has_support:
        return {"branding": None}
    words = f"Gatehouse: reference {reference}" if reference else subject or "Gatehouse"
    return {
        "branding": branding,
        "mail_url": f"mailto:{quote(branding.support_email, safe='@')}?subject={quote(words)}",
        "phone_url": f"tel:{dialled(branding.support_phone)}",
        "level": level,
    }


def dialled(phone: str) -> str:
    """Return a telephone number as a link dials it: digits, a plus in front, an extension behind (RFC 3966)."""
    number, _, extension = re.sub(r"(?i)ext\.?|x", ";", phone).partition(";")
    digits = ("+" if number.strip().startswith("+") else "") + re.sub(r"\D", "", number)
    return f"{digits};ext={re.sub(r'[^0-9]', '', extension)}" if extension else digits
