"""OpenID Connect and Microsoft Entra ID as a relying party: pure Python, frozen dataclasses in and out, no Django."""
