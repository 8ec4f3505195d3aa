"""What can be wrong with the settings of the organization."""

from users.errors import DirectoryError


class OrganizationNameInvalid(DirectoryError):
    """The company's name holds characters that cannot be shown, or is too long."""

    code = "users.organization_name_invalid"
    message = "This name cannot be kept."
    hint = "Use at most 100 characters, without line breaks or control characters."
    exit_status = 2
    field = "name"


class SupportEmailInvalid(DirectoryError):
    """The support contact's address is none."""

    code = "users.support_email_invalid"
    message = "This is not an email address."
    hint = "Use an address such as help@example.com: one @, no spaces, plain letters and digits."
    exit_status = 2
    field = "support_email"


class SupportUrlInvalid(DirectoryError):
    """The support contact's page is none that people can be sent to."""

    code = "users.support_url_invalid"
    message = "This is not the address of a page that people can safely be sent to."
    hint = "Use an address that begins with https://, such as https://help.example.com/, of at most 500 characters."
    exit_status = 2
    field = "support_url"


class SupportNoteInvalid(DirectoryError):
    """The sentence about whom to ask cannot be shown."""

    code = "users.support_note_invalid"
    message = "This sentence cannot be kept."
    hint = "Use at most 200 characters of plain text, without line breaks or control characters."
    exit_status = 2
    field = "support_note"


class DefaultStateInvalid(DirectoryError):
    """New people cannot begin in this state, or come from this source."""

    code = "users.default_state_invalid"
    message = "New people cannot begin as {state}."
    hint = "Choose staged, who may not sign in before somebody activates them, or active."
    exit_status = 2


class LogoMissing(DirectoryError):
    """No file was chosen, or an empty one."""

    code = "users.logo_missing"
    message = "There is no picture in that file."
    hint = "Choose a PNG, JPEG or WebP file."
    exit_status = 2
    field = "logo"


class LogoTooLarge(DirectoryError):
    """The file has more bytes, or the picture more pixels, than a logo needs."""

    code = "users.logo_too_large"
    message = "This picture is too large: {found}."
    hint = "Use one of at most 2 MB and 4,000 x 4,000 pixels. It is shown at most 160 pixels wide."
    http_status = 413
    exit_status = 2
    field = "logo"


class LogoIsDrawing(DirectoryError):
    """The file is an SVG."""

    code = "users.logo_is_svg"
    message = "SVG files are not accepted."
    hint = "An SVG can hold scripts and links, which would run on the sign-in page. Export it as a PNG and use that."
    exit_status = 2
    field = "logo"


class LogoUnreadable(DirectoryError):
    """The file is no picture of a kind that is accepted, or a broken one."""

    code = "users.logo_unreadable"
    message = "This file cannot be read as a picture."
    hint = "Use a PNG, JPEG or WebP file. If it is one, open it in a picture editor and save it again."
    exit_status = 2
    field = "logo"


class LimitOutOfRange(DirectoryError):
    """A limit of the organization settings is too small or too large to make sense."""

    code = "users.limit_out_of_range"
    message = "{value} is outside what {name} can be."
    hint = "Use a whole number from {lowest} to {highest}."
    exit_status = 2
