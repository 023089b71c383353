"""What RFC 9111 says of a shared cache, as calculations: no IO, no clock, verdicts with reasons.

`directives` reads Cache-Control and `targeted` the fields that go before it, `key` names what is stored, `freshness`
says how long it lives, `stored` holds an answer, `policy` decides on storing and reuse, `validators` asks and answers
"has it changed?", `ranges` finds the part that is asked for, `coding` knows content codings, `memory` keeps the answers
within its bytes, `purge` says which of them are out of date.
"""
