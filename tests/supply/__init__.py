"""What Gatehouse is made of: the lock, known advisories about it, and the bill of materials of a release."""
