"""Reads a rule folder: takes its files as bytes, and returns a publication or findings. No IO here."""
