"""Refusals around the links of people to their accounts at a provider, and around accounts that wait for one."""

from users.errors import DirectoryError


class LinkNotFound(DirectoryError):
    """The person has no account at this provider, or the link was removed meanwhile."""

    code = "idp.link.not_found"
    message = "{person} is not linked to an account at {provider}."
    hint = "It may have been unlinked in the meantime. `manage.py idp links` shows the links that there are."
    http_status = 404
    exit_status = 4


class PendingLinkNotFound(DirectoryError):
    """No account waits under this id: it was linked meanwhile, or pruned."""

    code = "idp.pending.not_found"
    message = "There is no pending link {identifier} at {provider}."
    hint = "The account may have been linked in the meantime. `manage.py idp pending` shows those that wait."
    http_status = 404
    exit_status = 4


class LinkToAdministrator(DirectoryError):
    """Administrators sign in locally, so that they can come in and repair. No link of theirs would ever be used."""

    code = "idp.link.person_is_administrator"
    message = "{person} is an administrator, and administrators never sign in through a provider."
    hint = "Choose somebody else, or take the role away first: `manage.py admins remove`."
    http_status = 409
    exit_status = 3
    field = "person"


class PersonHasOtherAccount(DirectoryError):
    """One account of an issuer for each person."""

    code = "idp.link.person_linked"
    message = "{person} is linked to another account of this provider already."
    hint = "If that account is not theirs any more, unlink it first."
    http_status = 409
    exit_status = 3
    field = "person"


class AccountHasOtherPerson(DirectoryError):
    """One person for each account."""

    code = "idp.link.account_linked"
    message = "This account is linked to {person} already."
    hint = "If it is not theirs, unlink them first. Check the object ID at the provider before you do."
    http_status = 409
    exit_status = 3
    field = "object_id"


class ObjectIdInvalid(DirectoryError):
    """Entra's object IDs are GUIDs."""

    code = "idp.link.object_id_invalid"
    message = "This is not an object ID of Entra."
    hint = "In Entra under Users, open the person and copy Object ID, such as 1b4e28ba-2fa1-11d2-883f-0016d3cca427."
    exit_status = 2
    field = "object_id"


class SubjectInvalid(DirectoryError):
    """A subject has 1 to 255 printable characters (OpenID Connect Core 1.0, section 2, `sub`)."""

    code = "idp.link.subject_invalid"
    message = "This is not the ID of an account."
    hint = "Copy the account's subject (sub) at the provider: at most 255 characters, without line breaks."
    exit_status = 2
    field = "object_id"


class LinkFileUnreadable(DirectoryError):
    """The file cannot be opened."""

    code = "idp.link.file_unreadable"
    message = "The file {name} cannot be read: {reason}."
    hint = "Check path and permissions, or give - to read from standard input."
    exit_status = 2


class LinkFileEmpty(DirectoryError):
    """No line says anything."""

    code = "idp.link.file_empty"
    message = "There is no line to work on."
    hint = "Give one line for each person, such as ada@example.com,1b4e28ba-2fa1-11d2-883f-0016d3cca427."
    exit_status = 2
    field = "lines"


class LinkFileTooLong(DirectoryError):
    """More than is done in one transaction."""

    code = "idp.link.file_too_long"
    message = "These are more than {limit} lines."
    hint = "Split them: each part is done as a whole or not at all."
    exit_status = 2
    field = "lines"


class LinkFileRefused(DirectoryError):
    """Some lines cannot be done, so none was.

    Attributes:
        problems: what is wrong, line by line.
    """

    code = "idp.link.file_refused"
    message = "Nothing was changed: {count} of {lines} lines cannot be done."
    hint = "Correct or remove these lines and try again. All lines are done together, or none."
    exit_status = 2
    field = "lines"
    problems: "list[Problem]"


class Problem:
    """What is wrong with one line."""

    def __init__(self, line: int, text: str) -> None:
        self.line = line
        self.text = text

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"
