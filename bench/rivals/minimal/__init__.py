"""The smallest correct relying party on stock Django: what Gatehouse needs as well, and nothing that it adds."""
