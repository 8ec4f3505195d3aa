"""Settings, keys and files of this machine."""

import json
import os
import stat
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core import checks

from idp import keys
from idp.steps import Finding, Outcome, Step
from portal.doctor.examination import Examination, not_ok, ok

# Without https in PUBLIC_URL these are all the same finding (portal/settings.py), which has a line of its own.
_FOLLOWS_FROM_HTTP = {"security.W004", "security.W008", "security.W012", "security.W016"}
_SETTINGS = "Change the setting, and restart every process: the running ones keep what they have read."


def look_at_settings(examination: Examination) -> None:
    """Add what `check --deploy` finds, a line each."""
    found = [each for each in checks.run_checks(include_deployment_checks=True) if not each.is_silenced()]
    if not settings.IS_HTTPS:
        found = [each for each in found if each.id not in _FOLLOWS_FROM_HTTP]
    for each in sorted(found, key=lambda each: (-each.level, str(each.id))):
        outcome: Outcome = "failed" if each.is_serious() else "warning"
        line = Step("Settings", outcome, f"{each.msg} [{each.id}]".replace("\n", " "), str(each.hint or _SETTINGS))
        examination.steps.append(line)
    if not found:
        examination.look("Settings", lambda: ok("`check --deploy` has nothing to say."))


def look_at_files(examination: Examination) -> None:
    """Look at who may read what must stay secret, and whether the pages have their files."""
    examination.look("Account", _account)
    examination.look("Settings file", _settings_file)
    examination.look("Data directory", _data_directory)
    examination.look("Static files", _static_files, hint="Run `manage.py collectstatic --no-input`, then restart.")


def look_at_secrets() -> Finding[None]:
    """Decrypt every stored secret, and keep none."""
    kinds = keys.count_secrets()
    total, unreadable = sum(kind.total for kind in kinds), sum(kind.unreadable for kind in kinds)
    if unreadable:
        what = ", ".join(f"{kind.unreadable} {kind.name}" for kind in kinds if kind.unreadable)
        return not_ok(
            f"{unreadable} of {total} stored secrets cannot be decrypted: {what}.",
            "Add the former key behind the first one in ENCRYPTION_KEYS and restart. If it is lost, `manage.py keys "
            "check` says what to enter again.",
        )
    outdated = sum(kind.outdated for kind in kinds)
    if outdated:
        text = f"{outdated} of {total} stored secrets are encrypted with a former key."
        return not_ok(text, "Run `manage.py keys rotate`; after that the former key can go.", "warning")
    return ok(f"All {total} stored secrets can be decrypted.")


def _database_file() -> Path | None:
    """Return the file of an embedded database, or None where a server keeps everything."""
    database = settings.DATABASES["default"]
    return Path(str(database["NAME"])) if database["ENGINE"].endswith("sqlite3") else None


def _account() -> Finding[None]:
    """Compare the account of this command with that of the database file: what it makes belongs to it."""
    file, us = _database_file(), os.geteuid()
    if file is not None and file.exists() and file.stat().st_uid != us:
        return not_ok(
            f"This command runs as user {us}, but {file} belongs to user {file.stat().st_uid}.",
            "Run it as the account of the service, such as with `sudo -u gatehouse`: it is to meet what that one "
            "meets, and a file that it makes must belong to that one.",
            "warning",
        )
    if us == 0:
        hint = "Run it as the account of the service, which needs no rights: `sudo -u gatehouse`."
        return not_ok("This command runs as root.", hint, "warning")
    return ok(f"User {us}, not root.")


def _settings_file() -> Finding[None]:
    path = Path(settings.ENV_PATH)
    if not path.is_file():
        return ok(f"{path} is no file: everything comes from the environment.")
    return _only_for_the_owner(path)


def _data_directory() -> Finding[None]:
    file = _database_file()
    if file is None:
        return ok("A database server keeps everything; no file here is secret.")
    if not os.access(file.parent, os.W_OK):
        hint = f"Give it to the account of the service: chown -R gatehouse {file.parent}"
        return not_ok(f"{file.parent} cannot be written.", hint)
    return _only_for_the_owner(file.parent)


def _only_for_the_owner(path: Path) -> Finding[None]:
    """Return whether others may read or write it. The group may read: an administrator may have arranged for that."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        tight = "700" if path.is_dir() else "600"
        return not_ok(
            f"{path} has mode {mode:o}: others than the owner may get at secrets.", f"chmod {tight} {path}", "failed"
        )
    return ok(f"{path} has mode {mode:o}.")


def _static_files() -> Finding[None]:
    """Compare what was collected with what this version has."""
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if not manifest.is_file():
        return not_ok(f"{manifest} is not there: every page fails.", "Run `manage.py collectstatic --no-input`.")
    collected = json.loads(manifest.read_text())["paths"]
    sources = {name: storage for finder in get_finders() for name, storage in finder.list([])}
    newer = [
        name
        for name, storage in sources.items()
        if name not in collected or os.path.getmtime(storage.path(name)) > manifest.stat().st_mtime
    ]
    if newer:
        return not_ok(
            f"{len(newer)} of {len(sources)} files are newer than what was collected, such as {sorted(newer)[0]}.",
            "Run `manage.py collectstatic --no-input`, then restart.",
            "warning",
        )
    return ok(f"{len(sources)} files are collected.")
