"""What can be wrong with a group."""

from users.errors import DirectoryError


class GroupNameInvalid(DirectoryError):
    """The text is not a name that a group can have."""

    code = "users.group_name_invalid"
    message = "This is not a name for a group."
    hint = "Use 1 to 100 characters without line breaks."
    exit_status = 2
    field = "name"


class GroupDescriptionInvalid(DirectoryError):
    """The description holds characters that cannot be shown, or is too long."""

    code = "users.group_description_invalid"
    message = "This description cannot be kept."
    hint = "Use at most 500 characters in one paragraph."
    exit_status = 2
    field = "description"


class GroupNameTaken(DirectoryError):
    """Another group has this name."""

    code = "users.group_name_taken"
    message = "There is a group {name} already."
    hint = "Names of groups are unique without regard to case: choose another."
    http_status = 409
    exit_status = 3
    field = "name"


class GroupChangedMeanwhile(DirectoryError):
    """Somebody else saved the group after this form was opened."""

    code = "users.group_changed_meanwhile"
    message = "This group was changed by somebody else in the meantime, so nothing was saved."
    hint = "What you typed is still in the form. Compare it with what is stored now, and save again."
    http_status = 409
    exit_status = 3


class GroupDeletionNotConfirmed(DirectoryError):
    """A group with members is deleted only by somebody who says so."""

    code = "users.group_deletion_not_confirmed"
    message = "The group was not deleted: {label} has members."
    hint = "Type {label} to confirm."
    exit_status = 2
    field = "confirmation"


class GroupInUse(DirectoryError):
    """A policy names the group: without it, the policy would mean other people."""

    code = "users.group_in_use"
    message = "The group was not deleted: {label} is named by {uses}."
    hint = "Take it out of that first."
    http_status = 409
    exit_status = 3


class GroupNotFound(DirectoryError):
    """There is no such group."""

    code = "users.group_not_found"
    message = "There is no such group."
    hint = "It may have been deleted: choose another."
    http_status = 404
    exit_status = 4
    field = "group"
