"""What `tailorbird doctor` finds out about a page, as calculations: `fetched.py` is the page, `checkup.py` the checks,
`places.py` those of slots and lists, `proposal.py` the cache policy it suggests. The command fetches."""
