"""What `tailorbird doctor` finds out about a page. `examination.py` goes through it: `shop_client.py` fetches the page
(`fetched.py`), `checkup.py` checks it, `places.py` its slots and lists, `pictures.py` the pictures and links of rules,
`choices.py` whether it is another by language or country; `proposal.py` suggests a cache policy, whose text is
`proposed_policy.py`'s. Only the client does IO."""
