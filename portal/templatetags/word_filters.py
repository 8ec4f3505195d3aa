"""Filters that put codes and values into words, and let long names go on in the next line.

`ui` takes these filters over, so that a template loads `ui` alone.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache

from django import template
from django.db.models import TextChoices
from django.utils.html import escape
from django.utils.safestring import SafeString

from portal.audit_words import action_words, detail_words, event_words, target_words
from users.error_words import words_of
from users.models import AdminRole, Realm

register = template.Library()
# Details whose values have names for people, where they are such values: what was changed is not always a role.
_NAMED: dict[str, type[TextChoices]] = {"role": AdminRole, "from": AdminRole, "to": AdminRole, "realm": Realm}
for words in (action_words, detail_words, event_words, target_words):
    register.filter(words.__name__, words)

# Where a name may go on in the next line; and after so many letters without one, as some names are long.
_BREAKS = re.compile(r"[._@:/](?=\S)|[^\s._@:/-]{16}(?=[^\s._@:/-]{4})")


@register.filter
def breakable(text: str) -> SafeString:
    """Let "idp.provider.added", an email or an address go on in the next line after its signs, not within a word."""
    return SafeString("<wbr>".join(escape(part) for part in _BREAKS.sub("\\g<0>\0", str(text)).split("\0")))


@register.filter
@lru_cache(maxsize=512)
def error_words(code: str) -> str:
    """Return what the refusal with this code says, for a row that has no words of its own."""
    return words_of(code)


# What a refusal's `field` is called on the pages of a provider.
FIELD_LABELS = {
    "url": "Entra IdP URL, or Issuer",
    "client_id": "Client ID",
    "client_secret": "Client Secret",
    "certificate": "Certificate, under Credentials",
}


@register.filter
def field_label(name: str) -> str:
    """Return the label of the provider's field that a refusal is about."""
    return FIELD_LABELS.get(name, name)


@register.filter
def pretty_value(value: object, name: str = "") -> str:
    """Return a detail of an audit row for people: roles and portals by their names, lists as indented JSON.

    Args:
        name: what the detail is called in the row.
    """
    named = _NAMED.get(name)
    if named is not None and value in named.values:
        return str(named(value).label)
    if isinstance(value, dict | list):
        return json.dumps(value, indent=2, ensure_ascii=False)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)
