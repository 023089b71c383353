"""Which rule wins each slot: rules compiled to bitsets, decided by a handful of look-ups, explained rule by rule."""
