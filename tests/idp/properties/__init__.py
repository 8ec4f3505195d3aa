"""Whatever comes in: what holds for every answer of a provider, every token and every address."""
