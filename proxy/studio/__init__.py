"""The editors' studio: what is live, what was shown recently, and why. On the admin listener only."""
