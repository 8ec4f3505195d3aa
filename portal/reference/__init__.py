"""The pages of docs/reference, made from the code: `make reference` writes them, and a test compares."""

from portal.reference.actions_page import actions_page
from portal.reference.commands_page import commands_page
from portal.reference.errors_page import errors_page
from portal.reference.metrics_page import metrics_page
from portal.reference.settings_page import settings_page

# File name -> what writes its text. The text depends on nothing but the code.
PAGES = {
    "audit-actions.md": actions_page,
    "commands.md": commands_page,
    "errors.md": errors_page,
    "metrics.md": metrics_page,
    "settings.md": settings_page,
}
