"""Who asks, what is known of them and may be, and what they do: cookies, consent, profiles, events."""
