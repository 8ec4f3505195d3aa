"""What can be wrong with reading the audit log and keeping filters of it."""

from users.errors import DirectoryError


class SavedFilterEmpty(DirectoryError):
    """A filter without a name, or one that finds everything, is not kept."""

    code = "users.saved_filter_empty"
    message = "There is nothing to save yet."
    hint = "Set at least one filter, press Filter, then save it under a name."
    exit_status = 2
    field = "name"


class SavedFilterTooLong(DirectoryError):
    """A filter that no address could hold is not kept."""

    code = "users.saved_filter_too_long"
    message = "This filter is too long to be kept as a link."
    hint = "Shorten what it looks for. A person's email says as much as a long name."
    exit_status = 2


class SavedFilterNameTaken(DirectoryError):
    """The administrator has a saved filter of this name."""

    code = "users.saved_filter_name_taken"
    message = "You have a saved filter named {name} already."
    hint = "Choose another name, or delete the older filter first."
    http_status = 409
    exit_status = 3
    field = "name"


class SavedFiltersTooMany(DirectoryError):
    """The administrator has as many saved filters as anybody may have."""

    code = "users.saved_filters_too_many"
    message = "You have {most} saved filters, and more are not kept."
    hint = "Delete one that you no longer need."
    http_status = 409
    exit_status = 3
    field = "name"


class SavedFilterNotFound(DirectoryError):
    """There is no saved filter of this number that the administrator may see."""

    code = "users.saved_filter_not_found"
    message = "That saved filter is gone."
    hint = "Load the page again."
    http_status = 404
    exit_status = 4


class EventNotFound(DirectoryError):
    """The audit log has no row of this number."""

    code = "users.audit_event_not_found"
    message = "The audit log has no such event, or it is past the retention."
    hint = "Search for it under INSIGHTS > Directory."
    http_status = 404
    exit_status = 4
