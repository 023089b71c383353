"""Questions as many ask them, put to a site in both ways: looked up step by step, and asked again."""

from __future__ import annotations

from proxy.http.message import Habit, Question, Response
from proxy.http.outgoing import taken_coding
from proxy.serve.conversation import in_one_write
from tests.wire.site import Site

CLIENT = "192.0.2.7"


def asking(*fields: tuple[bytes, bytes], method: bytes = b"GET", path: bytes = b"/") -> Question:
    fields = ((b"host", b"shop.example"), *fields)
    bare = Question(Habit(fields, b"shop.example", "http", "identity"), method, path, b"", None).request({}, CLIENT)
    coding = taken_coding(bare, (b"identity", b"gzip"))
    return Question(Habit(fields, b"shop.example", "http", coding), method, path, b"", None)


def as_sent(answer: bytes | Response | None) -> bytes | None:
    return in_one_write(answer) if isinstance(answer, Response) else answer


def looked_up(site: Site, question: Question, own: dict[bytes, bytes]) -> bytes | None:
    return as_sent(site.gateway.hit(question.request(own, CLIENT), site.now))


def again(site: Site, question: Question, own: dict[bytes, bytes]) -> bytes | None:
    return as_sent(site.gateway.again(question, own, CLIENT))
