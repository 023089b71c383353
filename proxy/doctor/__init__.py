"""What `tailorbird doctor` finds out about a page, without IO: `fetched.py` is the page, `checkup.py` the checks,
`places.py` those of slots and lists, `choices.py` whether it is another by language or country, `proposal.py` the cache
policy it suggests, `proposed_policy.py` its text. The command fetches."""
