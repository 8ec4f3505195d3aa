"""Refusals of backup and restore."""

from users.errors import DirectoryError


class BackupPassphraseWeak(DirectoryError):
    """The passphrase could be guessed by whoever gets hold of the file."""

    code = "portal.backup.passphrase_weak"
    message = "This passphrase is too short: a backup needs {least} characters at least."
    hint = "Whoever has the file can guess for as long as they like. Draw one: `openssl rand -base64 24`."
    exit_status = 2


class BackupPassphrasesDiffer(DirectoryError):
    """The passphrase was typed in two ways."""

    code = "portal.backup.passphrases_differ"
    message = "The two passphrases are not the same, so no backup was made."
    hint = "Type the same one twice, or give it on standard input."
    exit_status = 2


class BackupFileExists(DirectoryError):
    """There is a file of this name, perhaps the last good backup."""

    code = "portal.backup.file_exists"
    message = "{path} exists already, and was left as it is."
    hint = "Choose another name, such as one with the date, or give --force to replace the file."
    exit_status = 3


class BackupToTerminal(DirectoryError):
    """Standard output is a terminal."""

    code = "portal.backup.to_terminal"
    message = "A backup is no text, and standard output is a terminal."
    hint = "Name a file, or lead standard output somewhere: `manage.py backup - --passphrase-stdin | ssh …`."
    exit_status = 2


class BackupNotOne(DirectoryError):
    """The file is something else."""

    code = "portal.backup.not_a_backup"
    message = "{path} is not a backup that Gatehouse made."
    hint = "Check the name. A dump of pg_dump is brought back with pg_restore; docs/backup.md says how."
    exit_status = 2


class BackupPassphraseWrong(DirectoryError):
    """The passphrase opens this file's key no more than any other wrong one."""

    code = "portal.backup.passphrase_wrong"
    message = "This passphrase does not open the backup."
    hint = "Try the one that held when the backup was made. Without it nobody can read the file."
    exit_status = 3


class BackupDamaged(DirectoryError):
    """The file is not what was written: cut off, changed, or put together from parts."""

    code = "portal.backup.damaged"
    message = "The backup is damaged: {what}. Nothing was restored."
    hint = "Take another copy of it, or an older backup. `restore --dry-run` tells whether one is whole."
    exit_status = 3


class BackupTooNew(DirectoryError):
    """The file has a format that came after this version."""

    code = "portal.backup.format_too_new"
    message = "This backup has format {found}, and this Gatehouse reads formats up to {known}."
    hint = "Install the Gatehouse that made it, or a newer one, and restore with that."
    exit_status = 3


class BackupFromNewer(DirectoryError):
    """The backup was made by a version with migrations that this one does not have."""

    code = "portal.backup.from_newer"
    message = "This backup was made by Gatehouse {version}, whose database this version does not know: {unknown}."
    hint = "Upgrade Gatehouse first, to {version} or newer, and restore then."
    exit_status = 3


class DatabaseFromNewer(DirectoryError):
    """The database at hand was migrated by a newer version."""

    code = "portal.backup.database_from_newer"
    message = "The database here belongs to a newer Gatehouse: this version does not know {unknown}."
    hint = "Run this command with the version that the database belongs to."
    exit_status = 3


class DatabaseNotMigrated(DirectoryError):
    """There is nothing to back up."""

    code = "portal.backup.database_empty"
    message = "The database here has no tables of Gatehouse, so there is nothing to back up."
    hint = "Check DATABASE_URL; on a new installation run `manage.py migrate`."
    exit_status = 3


class DatabaseInUse(DirectoryError):
    """A restore would remove an installation."""

    code = "portal.backup.database_in_use"
    message = "The database here is in use, and a restore would replace all of it: {losses}."
    hint = "If that is what you want, back it up first, then give --replace and --i-understand-the-impacts."
    exit_status = 3


class BackupSecretsUnreadable(DirectoryError):
    """Secrets in the backup were encrypted with keys that are not here."""

    code = "portal.backup.secrets_unreadable"
    message = "{count} secrets in the backup need a key that is not in ENCRYPTION_KEYS here ({where})."
    hint = (
        "Add the keys of the installation that was backed up ({keys}). If they are lost, --without-keys restores all "
        "the same: each of these secrets has to be entered, or set up, again."
    )
    exit_status = 3


class BackupNotRestorable(DirectoryError):
    """The database did not take what is in the backup."""

    code = "portal.backup.not_restorable"
    message = "The database did not take the backup ({where}): {reason}. Nothing was changed."
    hint = "Look at the reason. If it is none that you can mend, restore into an empty database."
    exit_status = 3


class DatabaseBusy(DirectoryError):
    """Somebody holds the database and does not let go."""

    code = "portal.backup.database_busy"
    message = "The database was in use for so long that the restore gave up. Nothing was changed."
    hint = "Stop the processes that serve, and whatever else has the database open, and try again."
    exit_status = 3


class RestoreUnderWay(DirectoryError):
    """Two restores would overwrite each other."""

    code = "portal.backup.restore_under_way"
    message = "Another restore into this database is under way."
    hint = "Wait until it is through."
    exit_status = 3
