"""A draft beside what is live: what it means, and who would see something different. Calculations; no IO."""
