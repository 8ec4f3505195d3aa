"""An import of people between its upload and its end: the file's rows, what was found, and how far it is."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

# Rows in a chunk: what one short transaction writes.
ROWS_IN_CHUNK = 2500


class ImportStatus(models.TextChoices):
    """Where an import is."""

    CHECKING = "checking", "Checking"
    CHECKED = "checked", "Checked"
    VERIFYING = "verify", "Checking once more"
    WRITING = "writing", "Importing"
    UNDOING = "undoing", "Undoing"
    DONE = "done", "Done"


# A confirmed import that is to be brought to its end, and what somebody has to drive.
WRITES = (ImportStatus.VERIFYING, ImportStatus.WRITING, ImportStatus.UNDOING)
UNDER_WAY = (ImportStatus.CHECKING, *WRITES)


class ImportMode(models.TextChoices):
    """What happens to the good rows of a file that has others as well."""

    ALL = "all", "All or nothing"
    GOOD = "good", "The good ones"


class PeopleImport(models.Model):
    """One file of people. Its rows are kept until they are written, and for an hour at most.

    Attributes:
        owner: the administrator who alone sees it; None for a command's, and where that administrator is deleted. What
            is being written then is finished or undone all the same.
        by_command: a command brought it.
        next_chunk: the first chunk that is not checked, or not written, yet.
        rows: how many the file has; `read` of them are in chunks, the others have problems of their own.
        added, updated, unchanged, problems: while checking, what would happen; while writing, what did.
        suspending: how many of those who change are suspended by that.
        samples: the first changes, for the preview.
        busy_until: some process works on it; another one leaves it alone until then.
        headings: what the file calls each of its columns.
        restarted: why it is checked a second time, or "".
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    by_command = models.BooleanField(default=False)
    file_name = models.CharField(max_length=255)
    status = models.CharField(max_length=8, choices=ImportStatus, default=ImportStatus.CHECKING)
    mode = models.CharField(max_length=4, choices=ImportMode, blank=True)
    columns = models.JSONField(default=list)
    headings = models.JSONField(default=dict)
    unknown = models.JSONField(default=list)
    samples = models.JSONField(default=list)
    rows = models.PositiveIntegerField(default=0)
    read = models.PositiveIntegerField(default=0)
    chunks = models.PositiveIntegerField(default=0)
    next_chunk = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    problems = models.PositiveIntegerField(default=0)
    suspending = models.PositiveIntegerField(default=0)
    sessions_ended = models.PositiveIntegerField(default=0)
    restarted = models.CharField(max_length=400, blank=True)
    busy_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    touched_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Only known statuses and modes; old ones are found by time."""

        constraints = [
            models.CheckConstraint(condition=models.Q(status__in=ImportStatus.values), name="users_import_status"),
            models.CheckConstraint(
                condition=models.Q(mode="") | models.Q(mode__in=ImportMode.values), name="users_import_mode"
            ),
            models.CheckConstraint(
                condition=models.Q(by_command=False) | models.Q(owner=None), name="users_import_owner_or_command"
            ),
        ]
        indexes = [models.Index(fields=["touched_at"], name="users_import_touched")]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.get_status_display()})"

    @property
    def label(self) -> str:
        """The name that the audit log copies."""
        return self.file_name

    @property
    def is_under_way(self) -> bool:
        """Whether there is work to do before anybody is asked anything."""
        return self.status in UNDER_WAY

    @property
    def done_rows(self) -> int:
        """How many rows of those in chunks the present work is done with."""
        return min(self.next_chunk * ROWS_IN_CHUNK, self.read)

    @property
    def good(self) -> int:
        """How many rows have no problem."""
        return self.rows - self.problems

    @property
    def changing(self) -> int:
        """How many people are, or would be, added or changed."""
        return self.added + self.updated


class PeopleImportChunk(models.Model):
    """Some rows of a file, as compressed JSON.

    Attributes:
        rows: a list of [line, cells].
        findings: the rows without problems in normal form, and what the check found of each; compared with what there
            is when it is written.
        undo: what it takes to undo the chunk, where that may have to be.
    """

    people_import = models.ForeignKey(PeopleImport, on_delete=models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    rows = models.BinaryField()
    findings = models.BinaryField(default=b"")
    undo = models.BinaryField(default=b"")

    class Meta:
        """Each number once."""

        constraints = [
            models.UniqueConstraint(fields=["people_import", "number"], name="users_import_chunk_once"),
        ]

    def __str__(self) -> str:
        return f"chunk {self.number} of {self.people_import_id}"


class PeopleImportProblem(models.Model):
    """What is wrong with a row.

    Attributes:
        label: the company email as the row has it.
        of_file: found when the file was read; the others are found anew when it is checked anew.
    """

    people_import = models.ForeignKey(
        PeopleImport, on_delete=models.CASCADE, related_name="problem_rows", db_index=False
    )
    line = models.PositiveIntegerField()
    label = models.CharField(max_length=120, blank=True)
    field = models.CharField(max_length=32, blank=True)
    code = models.CharField(max_length=64)
    reason = models.CharField(max_length=500)
    of_file = models.BooleanField()

    class Meta:
        """Listed by line."""

        indexes = [models.Index(fields=["people_import", "line", "id"], name="users_import_problem_line")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"
