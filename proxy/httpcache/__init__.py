"""What RFC 9111 says of a shared cache, as calculations: no IO, no clock, verdicts with reasons.

`directives` reads Cache-Control, `key` names what is stored, `freshness` says how long it lives, `stored` holds an
answer, `policy` decides on storing and reuse, `validators` asks and answers "has it changed?", `coding` knows content
codings, `memory` keeps the answers within its bytes.
"""
