"""UpdateIDs are plain UUIDs of version 5, the same everywhere and for ever."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from wua.model.identity import NAMESPACE, deb_update_id, update_id


@given(st.text(max_size=40))
def test_same_as_the_standard_library(text: str) -> None:
    assert update_id(text) == str(uuid.uuid5(NAMESPACE, text))


def test_published_value_never_changes() -> None:
    assert str(NAMESPACE) == "abc01811-c4f4-4ac1-8b37-678a9bafca46"
    assert deb_update_id("hello", "amd64", "2.10-3") == "356576e4-c9b8-5fd0-935e-d0b8cd4fbf64"
    assert deb_update_id("hello", "amd64", "2.10-3") != deb_update_id("hello", "i386", "2.10-3")
