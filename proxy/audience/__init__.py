"""Who visits: profiles brought in from elsewhere, and cleaned on the way."""
