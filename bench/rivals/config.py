"""What a rival is told by its environment."""

from typing import Any

import environ

from bench.registration import Endpoints

env = environ.Env()  # type: ignore[no-untyped-call]

SECRET_KEY: str = env.str("SECRET_KEY")
PUBLIC_URL: str = env.str("PUBLIC_URL")
REDIRECT_URI = f"{PUBLIC_URL}/callback"
STATIC_ROOT: str = env.str("STATIC_ROOT")
CA_FILE: str = env.str("UPSTREAM_CA_FILE")
DATABASE: dict[str, Any] = {**env.db_url("DATABASE_URL"), **env.json("DATABASE_SETTINGS")}
PROVIDER = Endpoints(env.str("PROVIDER_ORIGIN"))
