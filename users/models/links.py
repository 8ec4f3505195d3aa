"""One-time links, stored as hashes, and how often they were asked for."""

from django.db import models

from users.models.people import AdminRole, User


class SetupToken(models.Model):
    """The one-time link that creates the first administrator; only its SHA-256 is stored."""

    token_hash = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"set-up link, valid until {self.expires_at:%Y-%m-%d %H:%M} UTC"


class LinkPurpose(models.TextChoices):
    """What a one-time link lets its holder do: choose a password, or with BREAK_GLASS come in without any."""

    ADMINISTRATOR_INVITATION = "administrator_invitation", "Invitation of an administrator"
    INVITATION = "invitation", "Invitation"
    PASSWORD_RESET = "password_reset", "Password reset"
    BREAK_GLASS = "break_glass", "Break-glass link"


class ActionLink(models.Model):
    """A one-time link that was made for a person; only the SHA-256 of its token is stored.

    Of each purpose a person has one at most: a newer link takes the place of the older one.

    Attributes:
        role: what an invited administrator becomes; empty for the other purposes.
        activates: whether the link lets a staged person sign in from then on.
        seal: what the link was made for, hashed: with another email, state, role or password it is void.
        made_by: the administrator who sent it; None where an operator did, or the person asked for it.
        mailed_at: when the mail server took the mail.
    """

    token_hash = models.CharField(max_length=64, primary_key=True)
    purpose = models.CharField(max_length=32, choices=LinkPurpose)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="action_links")
    role = models.CharField(max_length=32, choices=AdminRole, blank=True)
    activates = models.BooleanField(default=False)
    seal = models.CharField(max_length=64)
    made_by = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        """One link of a kind for a person, and a role exactly where an administrator is invited."""

        constraints = [
            models.UniqueConstraint(fields=["person", "purpose"], name="users_action_link_newest"),
            models.CheckConstraint(
                condition=models.Q(purpose__in=LinkPurpose.values), name="users_action_link_purpose_known"
            ),
            models.CheckConstraint(
                condition=models.Q(purpose=LinkPurpose.ADMINISTRATOR_INVITATION, role__in=AdminRole.values)
                | (~models.Q(purpose=LinkPurpose.ADMINISTRATOR_INVITATION) & models.Q(role="")),
                name="users_action_link_role",
            ),
            # It comes from a shell, and never from an administrator, who could take a colleague's account over with it.
            models.CheckConstraint(
                condition=~models.Q(purpose=LinkPurpose.BREAK_GLASS) | models.Q(made_by__isnull=True, activates=False),
                name="users_action_link_break_glass",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} for {self.person}, valid until {self.expires_at:%Y-%m-%d %H:%M} UTC"


class ResetRequest(models.Model):
    """One request for a password reset that came from an address: so that one address cannot send mail without end."""

    address = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        """Counted by address; pruned by time."""

        indexes = [
            models.Index(fields=["address", "at"], name="users_reset_request_address"),
            models.Index(fields=["at"], name="users_reset_request_at"),
        ]

    def __str__(self) -> str:
        return f"password reset asked for from {self.address}"
