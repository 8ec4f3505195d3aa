"""What refuses a break-glass link, and what can be done with the session that it opens."""

from users.errors import DirectoryError
from users.link_errors import MailNotSent


class NoBreakGlass(DirectoryError):
    """The link opens the Admin Portal, and that opens to an active administrator alone."""

    code = "users.no_break_glass"
    message = "There is no break-glass link for {label}, who {why}."
    hint = "{remedy}"
    http_status = 409
    exit_status = 3


class BreakGlassNotMailed(MailNotSent):
    """The mail server does not take the word about a break-glass link. The link works all the same."""

    code = "users.break_glass_not_mailed"
    message = "The link works, but nobody could be told of it by mail: {reason}."
    hint = "Tell the Administrators With Billing yourself, and check EMAIL_URL and the mail server."


class NotByBreakGlass(DirectoryError):
    """A password without the present one is chosen in a session that a break-glass link opened, and in no other."""

    code = "users.not_by_break_glass"
    message = "No break-glass link opened this session, so a new password takes the present one."
    hint = "Change it under “Your password”."
    http_status = 403
    exit_status = 3


class BreakGlassRepairOver(DirectoryError):
    """The break-glass link was used too long ago to choose a password without the present one."""

    code = "users.break_glass_repair_over"
    message = "It is more than ten minutes since the break-glass link was used: a new password needs the present one."
    hint = "Change it under “Your password”, or have a fresh link made at the server: `manage.py admins break-glass`."
    http_status = 403
    exit_status = 3
