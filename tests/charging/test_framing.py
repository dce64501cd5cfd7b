"""However TCP cuts the stream, the same messages come out."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.charging.protocols.framing import MAX_MESSAGE, BrokenStream, NotJson, Splitter, parse

texts = st.text(st.sampled_from('{}"\\[] \n|abcé€😀'), max_size=12) | st.text(max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
messages = st.dictionaries(texts, values, max_size=4)


@given(
    st.lists(messages, max_size=5),
    st.lists(st.integers(0, 4000), max_size=20),
    st.booleans(),
    st.sampled_from(["", " ", "\r\n"]),
)
def test_any_split_of_the_stream_gives_the_same_messages(
    sent: list[dict[str, object]], cuts: list[int], ascii_only: bool, between: str
) -> None:
    texts = [json.dumps(one, ensure_ascii=ascii_only) for one in sent]
    stream = between.join(texts).encode("utf-8", "surrogatepass")
    places = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    splitter = Splitter()
    found = []
    for start, end in pairwise(places):
        found += splitter.feed(stream[start:end])
    assert found == [text.encode("utf-8", "surrogatepass") for text in texts]
    if ascii_only:
        assert [parse(one) for one in found] == sent


@given(st.lists(messages, min_size=1, max_size=2))
def test_byte_by_byte(sent: list[dict[str, object]]) -> None:
    splitter = Splitter()
    stream = "".join(map(json.dumps, sent)).encode()
    found = [one for byte in stream for one in splitter.feed(bytes([byte]))]
    assert [parse(one) for one in found] == sent


@pytest.mark.parametrize("garbage", [b"x", b"[1]", b'{"a":1}}', b'"a"', b"\0", b"GET / HTTP/1.1"])
def test_what_is_no_object_ends_the_stream(garbage: bytes) -> None:
    with pytest.raises(BrokenStream):
        Splitter().feed(garbage)


def test_a_message_has_an_end() -> None:
    splitter = Splitter()
    splitter.feed(b'{"a": "' + b"x" * (MAX_MESSAGE - 10))
    with pytest.raises(BrokenStream, match="longer"):
        splitter.feed(b"y" * 100)


@pytest.mark.parametrize(
    "wrong",
    [b"{x}", b'{"a": NaN}', b'{"a": ' + b"[" * 60_000 + b"}", b'{"n": ' + b"9" * 5000 + b"}"],
)
def test_objects_that_are_not_json(wrong: bytes) -> None:
    with pytest.raises(NotJson):
        parse(wrong)


def test_bytes_of_a_header_that_are_not_utf8_stay_distinct() -> None:
    assert parse(b'{"a": "\xff"}') == {"a": "\xff"}
    assert parse('{"a": "ÿ"}'.encode()) == {"a": "ÿ"}
