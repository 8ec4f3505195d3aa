"""What holds for the whole company."""

from django.db import models

from users.models.people import State


class Organization(models.Model):
    """What holds for the whole company: one row, made by the first change. Until then the defaults hold.

    Attributes:
        session_idle_minutes: a session that nobody uses for so long ends.
        session_absolute_hours: a session ends so long after the sign-in, however busy it is.
        audit_retention_days: older audit rows are removed by `manage.py housekeeping`.
        second_factor_required: administrators must have a second factor; who has none enrols at the next sign-in.
        name: of the company; "" until somebody says it.
        support_email, support_url, support_phone, support_note: whom people ask for help, each "" for none.
        default_state_manual, default_state_import: the state of new people by their source; see `default_state`.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    name = models.CharField(max_length=100, blank=True)
    support_email = models.CharField(max_length=254, blank=True)
    support_url = models.CharField(max_length=500, blank=True)
    support_phone = models.CharField(max_length=50, blank=True)
    support_note = models.CharField(max_length=200, blank=True)
    default_state_manual = models.CharField(max_length=16, choices=State, default=State.STAGED)
    default_state_import = models.CharField(max_length=16, choices=State, default=State.STAGED)
    session_idle_minutes = models.PositiveIntegerField(default=60)
    session_absolute_hours = models.PositiveIntegerField(default=8)
    audit_retention_days = models.PositiveIntegerField(default=365)
    second_factor_required = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """One row, with limits that make sense, and people who begin staged or active: nobody begins suspended."""

        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="users_organization_one_row"),
            models.CheckConstraint(
                condition=models.Q(session_idle_minutes__range=(5, 10080)), name="users_organization_idle_range"
            ),
            models.CheckConstraint(
                condition=models.Q(session_absolute_hours__range=(1, 720)), name="users_organization_absolute_range"
            ),
            models.CheckConstraint(
                condition=models.Q(audit_retention_days__range=(30, 3650)), name="users_organization_retention_range"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    default_state_manual__in=(State.STAGED, State.ACTIVE),
                    default_state_import__in=(State.STAGED, State.ACTIVE),
                ),
                name="users_organization_default_states",
            ),
            models.CheckConstraint(
                condition=models.Q(support_url="") | models.Q(support_url__startswith="https://"),
                name="users_organization_support_https",
            ),
        ]

    def __str__(self) -> str:
        return "Organization settings"

    @classmethod
    def current(cls) -> "Organization":
        """Return the company's settings; the defaults until somebody changes one."""
        return cls.objects.filter(pk=1).first() or cls()


class OrganizationLogo(models.Model):
    """The company's logo, re-encoded: one row or none. Here and not in a file, because several processes show it.

    Attributes:
        data: a PNG without metadata, at most `users.logo.MAX_WEIGHT` bytes.
        sha256: of the data, in hex; the beginning of it is in the logo's address.
        width, height: in pixels.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    data = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """One row."""

        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="users_logo_one_row")]

    def __str__(self) -> str:
        return f"Logo, {self.width} x {self.height}"
