"""The base of every refusal that Gatehouse shows, prints or audits. Imports nothing: protocol code uses it too."""

from typing import Any, ClassVar


class DirectoryError(Exception):
    """A refusal with its cause and its cure.

    Subclasses set the class attributes; `message` and `hint` may hold `{placeholders}` that are filled from the
    keyword arguments. Everything passed in ends up on pages, in audit rows and on terminals: never pass a secret.

    Attributes:
        code: dotted, unique and stable; the audit log stores it.
        message: one sentence for a person: what happened.
        hint: what to do next.
        http_status: the status that the error middleware answers with.
        exit_status: the status that a `manage.py` command ends with.
        field: the form field that causes it, or "" where no single field does.
        context: the safe facts behind the message.
        reference: the number under which the audit log has this refusal, once it is recorded.
        recorded_at_depth: within how many open transactions and savepoints that was.
    """

    code: ClassVar[str] = "directory.error"
    message: str = "This could not be done."
    hint: str = "Try again; if it happens again, give your administrator the reference number."
    http_status: ClassVar[int] = 400
    exit_status: ClassVar[int] = 1
    field: str = ""
    reference: str = ""
    recorded_at_depth: int = 0

    def __init__(self, *, field: str | None = None, **context: Any) -> None:
        self.context: dict[str, Any] = context
        self.message = self.message.format_map(_Missing(context))
        self.hint = self.hint.format_map(_Missing(context))
        if field is not None:
            self.field = field
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message


class _Missing(dict[str, Any]):
    """Leaves a placeholder readable instead of failing while an error is being reported."""

    def __missing__(self, key: str) -> str:
        return f"({key})"


class CompanyEmailInvalid(DirectoryError):
    """The text is not an email address that Gatehouse keeps."""

    code = "users.email_invalid"
    message = "This is not a company email address."
    hint = "Use an address such as ada@example.com: one @, no spaces, plain letters and digits."
    exit_status = 2
    field = "company_email"


class UserNameInvalid(DirectoryError):
    """The text is not a user name."""

    code = "users.user_name_invalid"
    message = "This is not a user name."
    hint = "Use 1 to 64 of a-z, 0-9, dot, dash and underscore, beginning and ending with a letter or digit."
    exit_status = 2
    field = "user_name"


class NameInvalid(DirectoryError):
    """A person's name holds characters that cannot be shown, or is too long."""

    code = "users.name_invalid"
    message = "This name cannot be kept."
    hint = "Use at most 150 characters without line breaks or control characters."
    exit_status = 2
    field = "display_name"


class LocaleInvalid(DirectoryError):
    """The text is no language tag."""

    code = "users.locale_invalid"
    message = "This is not a locale."
    hint = "Use a language tag such as en, en-GB or zh-Hant-TW, of at most 35 characters."
    exit_status = 2
    field = "locale"


class PersonNotFound(DirectoryError):
    """No person answers to this email, user name or id."""

    code = "users.not_found"
    message = "There is no person {identifier}."
    hint = "Use the company email, the user name or the id; `manage.py users list` shows them."
    http_status = 404
    exit_status = 4


class CompanyEmailTaken(DirectoryError):
    """Another person has this company email."""

    code = "users.email_taken"
    message = "Somebody already has the company email {company_email}."
    hint = "Company emails are unique without regard to case: use another, or change the person who has it."
    http_status = 409
    exit_status = 3
    field = "company_email"


class UserNameTaken(DirectoryError):
    """Another person has this user name."""

    code = "users.user_name_taken"
    message = "Somebody already has the user name {user_name}."
    hint = "User names are unique without regard to case: choose another."
    http_status = 409
    exit_status = 3
    field = "user_name"


class ExternalIdTaken(DirectoryError):
    """Another person has this external id."""

    code = "users.external_id_taken"
    message = "Somebody already has this external id."
    hint = "An external id belongs to one person: check the object id in the source directory."
    http_status = 409
    exit_status = 3
    field = "external_id"


class PasswordRefused(DirectoryError):
    """The password breaks the rules."""

    code = "users.password_refused"
    message = "This password is not accepted: {reasons}"
    hint = "Use at least 12 characters that are neither common nor like your own name."
    exit_status = 2
    field = "password"


class PasswordManagedExternally(DirectoryError):
    """The person's password belongs to the identity provider."""

    code = "users.password_managed_externally"
    message = "{label} signs in with {provider}; the password is managed there."
    hint = "Change it at the identity provider, or end federation first."
    http_status = 409
    exit_status = 3


class LastBillingAdministrator(DirectoryError):
    """The act would leave nobody who can administer Gatehouse."""

    code = "users.last_billing_administrator"
    message = "{label} is the last Administrator With Billing who can sign in."
    hint = "Give another active person that role and a password first."
    http_status = 409
    exit_status = 3


class NotAnAdministrator(DirectoryError):
    """The act needs a person with an administrator's role."""

    code = "users.not_an_administrator"
    message = "{label} is not an administrator."
    hint = "Use `manage.py admins add` to give a person a role."
    http_status = 409
    exit_status = 3


class PersonNotActive(DirectoryError):
    """A role for somebody who may not sign in would help nobody."""

    code = "users.person_not_active"
    message = "{label} is not active."
    hint = "Activate the person first: `manage.py users activate`."
    http_status = 409
    exit_status = 3


class AlreadyAdministrator(DirectoryError):
    """The person has a role already."""

    code = "users.already_administrator"
    message = "{label} is an administrator already."
    hint = "Use `manage.py admins set-role` to change the role."
    http_status = 409
    exit_status = 3
    field = "company_email"


class PermissionRefused(DirectoryError):
    """The administrator's role does not cover the act."""

    code = "users.permission_refused"
    message = "Your role, {role}, does not allow this."
    hint = "Ask an Administrator With Billing to do it, or to change your role."
    http_status = 403
    exit_status = 3


class SetupLinkInvalid(DirectoryError):
    """The one-time set-up link is unknown, used or too old."""

    code = "users.setup_link_invalid"
    message = "This set-up link is not valid any more."
    hint = "It works once, for one hour. Start Gatehouse again, or run `manage.py admins setup-link`, to get a new one."
    http_status = 410
    exit_status = 3


class SetupDone(DirectoryError):
    """There is an administrator already, so no set-up link is given out."""

    code = "users.setup_done"
    message = "Gatehouse has an administrator already."
    hint = "Sign in at the Admin Portal, or use `manage.py admins set-password` to get back in."
    http_status = 410
    exit_status = 3


class SignInFailed(DirectoryError):
    """Email and password do not open this portal. The same words whether or not the person exists."""

    code = "portal.sign_in_failed"
    message = "That email and password did not work here."
    hint = "Check both and try again. After five failures the account is locked for 15 minutes."
    http_status = 401
    exit_status = 3


class SignInLocked(DirectoryError):
    """Too many failures for this account or from this address."""

    code = "portal.sign_in_locked"
    message = "Too many attempts failed, so signing in is locked for a while."
    hint = "Wait 15 minutes, then try again. If these attempts were not yours, tell your administrator."
    http_status = 429
    exit_status = 3


class InputNotText(DirectoryError):
    """A command's argument or its standard input is not UTF-8."""

    code = "users.input_not_text"
    message = "{name} is not valid UTF-8."
    hint = "Check the encoding of the terminal or of the file that it comes from."
    exit_status = 2


class SessionNotFound(DirectoryError):
    """There is no live session of this name among those at hand."""

    code = "users.session_not_found"
    message = "That session has ended already."
    hint = "Load the list of sessions again."
    http_status = 404
    exit_status = 4


class FileNotWritten(DirectoryError):
    """The operating system does not let a command write its file."""

    code = "users.file_not_written"
    message = "{path} cannot be written: {reason}."
    hint = "Name a file in a directory that you may write to, on a disk that has room."
    exit_status = 2
