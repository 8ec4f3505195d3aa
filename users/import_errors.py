"""What can be wrong with a file of people: as a whole, and in its rows."""

from users.errors import DirectoryError


class ImportFileRefused(DirectoryError):
    """A file that cannot be read as a list of people at all."""

    code = "users.import_file_refused"
    http_status = 422
    exit_status = 2
    field = "file"


class ImportFileTooLarge(ImportFileRefused):
    """The file has more bytes than one import takes."""

    code = "users.import_file_too_large"
    message = "This file is larger than {megabytes} MB."
    hint = "Split it into several files, each with the header row, and import them one after the other."


class ImportTooManyRows(ImportFileRefused):
    """The file has more rows than one import takes."""

    code = "users.import_too_many_rows"
    message = "This file has more than {limit} rows."
    hint = "Split it into several files, each with the header row, and import them one after the other."


class ImportFileUnreadable(ImportFileRefused):
    """The file cannot be opened."""

    code = "users.import_file_unreadable"
    message = "{name} cannot be read: {reason}."
    hint = "Check its name and its permissions."
    exit_status = 4


class ImportFileEmpty(ImportFileRefused):
    """There is no row below the header, or no header."""

    code = "users.import_file_empty"
    message = "There are no people in this file."
    hint = "The first row names the columns; each further row is a person. The template shows how."


class ImportIsSpreadsheet(ImportFileRefused):
    """The file is a spreadsheet as its program saves it."""

    code = "users.import_spreadsheet"
    message = "This file is no CSV: it is {found}."
    hint = 'Open it in the spreadsheet, and save it as "CSV UTF-8 (comma delimited)".'


class ImportEncodingWrong(ImportFileRefused):
    """The file is not UTF-8."""

    code = "users.import_encoding_wrong"
    message = "This file is not UTF-8: {found}."
    hint = 'Save it again as UTF-8. In Excel choose the type "CSV UTF-8 (comma delimited)".'


class ImportNotCsv(ImportFileRefused):
    """From some line on, the file cannot be divided into rows."""

    code = "users.import_not_csv"
    message = "Line {line} cannot be read as CSV: {reason}."
    hint = (
        'Look for a quotation mark that is opened and never closed. A mark inside a quoted value is written twice: "".'
    )


class ImportColumnMissing(ImportFileRefused):
    """No column holds the company email."""

    code = "users.import_column_missing"
    message = "No column of this file is the company email. Its first row reads: {header}."
    hint = (
        "Name the column company_email; Email, Mail and UPN are understood as well. "
        "Columns are separated by comma, semicolon or tab."
    )


class ImportColumnTwice(ImportFileRefused):
    """Two columns mean the same."""

    code = "users.import_column_twice"
    message = "The columns {first} and {second} both mean {column}."
    hint = "Remove or rename one of them: Gatehouse does not guess which one counts."


class ImportNotFound(DirectoryError):
    """There is no such import, it is another administrator's, or its hour is over."""

    code = "users.import_not_found"
    message = "This import is not here any more."
    hint = "A file is kept for an hour, and for whoever uploaded it. Upload it again."
    http_status = 404
    exit_status = 4


class ImportHasProblems(DirectoryError):
    """All or nothing was asked for, and some rows have problems."""

    code = "users.import_has_problems"
    message = "{problems} of {rows} rows have problems, so nothing was imported."
    hint = "Correct the rows and import the file again, or import the good ones only."
    http_status = 409
    exit_status = 3


class ImportPeopleChanged(DirectoryError):
    """People changed between the preview and its confirmation."""

    code = "users.import_people_changed"
    message = "Since the preview, people changed in ways that {rows} rows depend on ({lines}), so nothing was imported."
    hint = "The file is checked again: look at the new preview, and confirm that."
    http_status = 409
    exit_status = 3


class ImportNotReady(DirectoryError):
    """The import is not at the point where this can be done: another tab may have gone on."""

    code = "users.import_not_ready"
    message = "This import has gone on in the meantime."
    hint = "Its page shows where it is now."
    http_status = 409
    exit_status = 3


class RowProblem(DirectoryError):
    """What is wrong with one row of the file; the import goes on with the next."""

    code = "users.import_row"
    exit_status = 3


class RowWidthWrong(RowProblem):
    """A row has more or fewer cells than the header."""

    code = "users.import_row_width"
    message = "The row has {found} values and the header has {expected}."
    hint = "Put quotation marks around values that hold the separator."


class RowRepeats(RowProblem):
    """Two rows of the file claim the same."""

    code = "users.import_row_repeats"
    message = "{value} stands in line {line} already."
    hint = "Keep one of the two rows."


class RowEmailMissing(RowProblem):
    """The cell of the company email is empty."""

    code = "users.import_email_missing"
    message = "The company email is empty."
    hint = "Every row needs one: it says whom the row is about."
    field = "company_email"


class RowClaimsWhatAnotherFrees(RowProblem):
    """A row gives somebody what another person has, whom another row of the file gives a new one."""

    code = "users.import_freed_by_row"
    message = "The {what} {value} is somebody's until line {line} is imported, and one import does not pass it on."
    hint = (
        "Import in two steps: first without this row, and then this row. "
        "Where two people swap, one of them needs something else in between."
    )


class RowStateUnknown(RowProblem):
    """The state is none of the three."""

    code = "users.import_state_unknown"
    message = "{value} is no state."
    hint = "Write staged, active or suspended, or leave the cell empty."
    field = "state"


class RowGroupUnknown(RowProblem):
    """A group does not exist. Imports create none: a slip of the keys would."""

    code = "users.import_group_unknown"
    message = "There is no group {name}."
    hint = "Create the group first, or correct its name. Several groups are separated by |."
    field = "groups"


class RowIsAdministrator(RowProblem):
    """The person has a role, and imports change no administrators."""

    code = "users.import_administrator"
    message = "{company_email} is an administrator, and an import changes no administrator."
    hint = "Take the row out of the file, and change the person by hand where that is meant."
    field = "company_email"


class RowNotPlain(RowProblem):
    """A cell holds a character that no value can have."""

    code = "users.import_row_not_plain"
    message = "The row holds a NUL character."
    hint = "Remove it: the file may be damaged, or no text."


class RowChanged(RowProblem):
    """Somebody changed the person after the preview."""

    code = "users.import_row_changed"
    message = "The person changed after the preview, so the row was left out."
    hint = "Import the row again to see what it would change now."
    field = "company_email"
