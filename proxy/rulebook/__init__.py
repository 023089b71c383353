"""A rule folder as a calculation: its files go in as bytes, a publication or findings come out. No IO here."""
