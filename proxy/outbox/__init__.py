"""Sends a message to webhooks when a visitor enters or leaves a segment."""
