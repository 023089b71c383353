"""Speed beside its rivals: the decision core, and whole pages under shoppers."""
