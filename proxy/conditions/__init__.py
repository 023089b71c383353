"""Conditions on visitors: the phrases editors write, their parsing, their evaluation and their explanation."""
