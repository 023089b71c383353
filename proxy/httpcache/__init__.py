"""A shared HTTP cache by RFC 9111, as pure calculations: no IO and no clock; verdicts carry their reasons.

* `directives`: parses Cache-Control; `targeted`: the fields that take precedence over it (RFC 9213).
* `key`: the key of a stored answer, and the request fields named in Vary.
* `stored`: a stored answer, its age and freshness lifetime; `policy`: may it be stored, may it be reused?
* `ranges`: range requests and conditional ones; `coding`: content codings; `cookies`: cookie pairs.
* `response_cache`: the cache itself, limited in bytes; `purge`: which entries an operator declares out of date.
* `overrides`: what an operator says of caching for an origin that does not say it itself.
"""
