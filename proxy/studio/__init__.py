"""The editors' studio: what is live, what was shown just now, and why. On the admin listener only."""
