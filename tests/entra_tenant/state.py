"""The demo's tenant on disk: a JSON file that keeps ids, secret and keys from one run to the next."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .keys import SigningKey
from .tenant import PracticeTenant

_KEYS = 3


def load(path: Path) -> PracticeTenant:
    """The tenant that `ensure` wrote."""
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return PracticeTenant(
        base_url=kept["base_url"],
        tenant_id=kept["tenant_id"],
        client_id=kept["client_id"],
        client_secret=kept["client_secret"],
        redirect_uris=set(kept.get("redirect_uris", [])),
        frontchannel_logout_uri=kept.get("frontchannel_logout_uri", ""),
        signing_keys=[SigningKey.from_pem(text) for text in kept["signing_keys"]],
    )


def ensure(path: Path, base_url: str) -> PracticeTenant:
    """The tenant in the file, made if it is missing. Only the address follows the argument."""
    base_url = base_url.rstrip("/")
    if path.exists():
        tenant = load(path)
        if tenant.base_url == base_url:
            return tenant
        tenant.base_url = base_url
    else:
        tenant = PracticeTenant(base_url=base_url)
    _write(path, tenant)
    return load(path)


def _write(path: Path, tenant: PracticeTenant) -> None:
    kept = {
        "base_url": tenant.base_url,
        "tenant_id": tenant.tenant_id,
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
        "redirect_uris": sorted(tenant.redirect_uris),
        "frontchannel_logout_uri": tenant.frontchannel_logout_uri,
        "signing_keys": [key.private_pem for key in tenant.keys.published[:_KEYS]],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    # Secret and keys: nobody else may read them, not even for the moment before a chmod.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=2)
        file.write("\n")
    temporary.replace(path)
