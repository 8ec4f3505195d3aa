"""What can be wrong with changing, scheduling and deleting a person."""

from users.errors import DirectoryError


class PhoneNumberInvalid(DirectoryError):
    """The text is not a phone number."""

    code = "users.phone_number_invalid"
    message = "This is not a phone number."
    hint = "Use digits and spaces, such as +44 20 7946 0958 or 020 7946 0958 ext. 12."
    exit_status = 2
    field = "phone_number"
