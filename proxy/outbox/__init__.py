"""Telling other systems when a visitor enters or leaves a segment."""
