"""docs/reference/audit-actions.md: what the audit log notes, from portal/audit_words.py."""

from itertools import groupby

from portal.audit_words import ACTION_WORDS, DETAIL_WORDS
from portal.reference.markdown import code, item, page, plain, prose

INTRODUCTION = (
    "Each event in INSIGHTS > Directory and in `manage.py audit` has an action. A filter takes it whole, or its "
    "beginning up to a dot: `manage.py audit list --action idp.provider.`. An act that was refused stands under the "
    "action that was refused, with the outcome *refused* and an [error code](errors.md)."
)
AREAS = {
    "admin_portal": "The Admin Portal",
    "audit": "The audit log itself",
    "idp": "Identity providers, policies and links",
    "keys": "Encryption keys",
    "operator": "Commands",
    "portal": "The User Portal, and what both portals have",
    "users": "People, administrators and the organization",
}
DETAILS = (
    "An event has details under short names. Most say by themselves what they are; these do not. Pages show the words, "
    "`--json` and exports the names."
)


def actions_page() -> str:
    """Return the page."""
    parts = [prose(INTRODUCTION)]
    for area, actions in groupby(sorted(ACTION_WORDS), key=lambda action: action.partition(".")[0]):
        lines = [item(f"{code(action)}: {plain(ACTION_WORDS[action])}") for action in actions]
        parts.append(f"## {AREAS.get(area, area)}\n\n" + "\n".join(lines))
    details = "\n".join(item(f"{code(name)}: {plain(words)}") for name, words in sorted(DETAIL_WORDS.items()))
    return page("Audit actions", *parts, f"## Details\n\n{prose(DETAILS)}\n\n{details}")
