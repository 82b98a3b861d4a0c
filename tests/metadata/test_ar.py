"""Archives of ar(5): what is written is found again, and what is none is refused."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wua.metadata import ar

NAMES = st.text("abcdefghijklmnopqrstuvwxyz.-", min_size=1, max_size=15)


@given(st.lists(st.tuples(NAMES, st.binary(max_size=50))))
def test_members_are_found_again(content: list[tuple[str, bytes]]) -> None:
    archive = io.BytesIO()
    archive.write(ar.MAGIC)
    for name, data in content:
        ar.add(archive, name, data)
    whole = archive.getvalue()
    archive.seek(0)
    found = list(ar.members(archive))
    assert [(m.name, whole[m.start : m.start + m.size]) for m in found] == content
    assert len(whole) % 2 == 0


@pytest.mark.parametrize("data", [b"", b"no archive", ar.MAGIC + b"short", ar.MAGIC + b"x" * 60])
def test_what_is_no_archive(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"archive|header"):
        list(ar.members(io.BytesIO(data)))


def test_names_with_a_slash_at_the_end_as_gnu_ar_writes_them() -> None:
    data = ar.MAGIC + ar.header("debian-binary/", 4) + b"2.0\n"
    assert [m.name for m in ar.members(io.BytesIO(data))] == ["debian-binary"]
