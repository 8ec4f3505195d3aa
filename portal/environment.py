"""Makes a `.env` with fresh keys where there is none. Needs nothing but what runs Gatehouse, and no settings yet."""

import os
import secrets
import sys
from pathlib import Path

from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parent.parent


def create(path: Path, **extra: str) -> bool:
    """Write the file with mode 0600, unless it exists; return whether it was written.

    Args:
        extra: further lines, such as `INSECURE_ISSUER_ORIGINS` for practice.
    """
    lines = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "PUBLIC_URL": "http://127.0.0.1:8000",
        **extra,
    }
    text = "# Made by Gatehouse. .env.example explains every line that can stand here.\n"
    text += "".join(f"{name}={value}\n" for name, value in lines.items())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return True


if __name__ == "__main__" and create(ROOT / ".env"):
    sys.stdout.write("Made .env with fresh keys. Keep ENCRYPTION_KEYS safe: without it stored secrets are lost.\n")
