"""Compares a draft with what is live: what changes in meaning, and who would see something different. No IO."""
