"""What refuses invitations, one-time links, resets and changes of a password."""

from users.errors import DirectoryError


class LinkInvalid(DirectoryError):
    """The one-time link is unknown, used, replaced, withdrawn, too old, or was made for what has changed since."""

    code = "users.link_invalid"
    message = "This link is not valid any more."
    hint = (
        "It works once, for a limited time, and only the newest one does. Ask whoever sent it for a new one; a link "
        "for a new password you can ask for yourself, with “Forgot your password?” on the sign-in page."
    )
    http_status = 410
    exit_status = 3


class AlreadyHasPassword(DirectoryError):
    """An invitation is for somebody who has no password yet."""

    code = "users.has_password"
    message = "{label} has a password already."
    hint = "Send a link for a new password in place of an invitation."
    http_status = 409
    exit_status = 3


class NotInvited(DirectoryError):
    """There is no open invitation to send again or to withdraw."""

    code = "users.not_invited"
    message = "{label} has no open invitation."
    hint = "It was accepted or withdrawn meanwhile: load the list of administrators again."
    http_status = 409
    exit_status = 3


class InvitationOfAdministrator(DirectoryError):
    """An administrator gets a password in another way than an invitation of people."""

    code = "users.invitation_of_administrator"
    message = "{label} is an administrator."
    hint = "Send a link for a new password in place of an invitation."
    http_status = 409
    exit_status = 3


class ResetTooOften(DirectoryError):
    """One address asked for password resets again and again."""

    code = "users.reset_too_often"
    message = "Too many password resets were asked for from your network."
    hint = "Wait 15 minutes, then try again. A mail that was sent already may be in the junk folder."
    http_status = 429
    exit_status = 3


class ResetMailsExhausted(DirectoryError):
    """A person was sent several mails within the hour. Only the audit log says so: visitors always see the same."""

    code = "users.reset_mails_exhausted"
    message = "{email} was sent several mails about the password within the last hour, so no further one was sent."
    hint = "Wait an hour, or let an administrator send the link."
    http_status = 429
    exit_status = 3


class ResetForNobody(DirectoryError):
    """Nobody who may sign in has the email. Only the audit log says so: visitors always see the same."""

    code = "users.reset_for_nobody"
    message = "No active person has the company email {email}, so no mail was sent."
    hint = "Check the address, or whether the person is staged or suspended."
    http_status = 404
    exit_status = 4


class OldPasswordWrong(DirectoryError):
    """Whoever changes a password has to know the present one."""

    code = "users.old_password_wrong"
    message = "This is not your present password."
    hint = "Type it once more. After five failures the account is locked for 15 minutes."
    http_status = 422
    exit_status = 3
    field = "old_password"


class MailNotSent(DirectoryError):
    """The mail server does not take a mail. What the mail is about was done all the same."""

    code = "users.mail_not_sent"
    message = "The mail to {email} could not be sent: {reason}."
    hint = "Check EMAIL_URL and the mail server, then send the mail again."
    http_status = 502
    exit_status = 5
