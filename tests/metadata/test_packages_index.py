"""Packages files: every layout, read at once or again, in any format."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.codecs import COMPRESSORS

from wua.metadata import packages_index
from wua.metadata.packages_index import NO_DIGEST, IndexData, read_index, read_stanzas

DIGEST = "ab" * 32

USUAL = f"""\
Package: hello
Source: greetings (3.1)
Version: 2.10-3
Installed-Size: 284
Maintainer: Ünïcode <a@example.invalid>
Architecture: amd64
Depends: libc6 (>= 2.34)
Description: example package
Homepage: https://example.invalid/
Description-md5: 0123456789abcdef0123456789abcdef
Section: devel
Filename: pool/main/h/hello/hello_2.10-3_amd64.deb
Size: 53080
SHA256: {DIGEST}

"""


def written(folder: Path, text: str, suffix: str = "") -> Path:
    path = folder / f"Packages{suffix}"
    path.write_bytes(COMPRESSORS[suffix](text.encode()))
    return path


def rows(data: IndexData) -> list[tuple[object, ...]]:
    return [
        (
            data.names[row], data.versions[row], data.architectures[row], data.sources[row], data.sizes[row],
            data.digest(row), row in data.essential, data.phased.get(row),
        )
        for row in range(len(data))
    ]  # fmt: skip


def test_the_usual_stanza(tmp_path: Path) -> None:
    data = read_index(written(tmp_path, USUAL)).data
    assert rows(data) == [
        ("hello", "2.10-3", "amd64", "greetings (3.1)", 53080, bytes.fromhex(DIGEST), False, None)
    ]
    assert data.starts == [0, len(USUAL.encode())]


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_many_stanzas_and_their_places(tmp_path: Path, suffix: str) -> None:
    text = "".join(USUAL.replace("hello", f"hello{n}") for n in range(5000))
    path = written(tmp_path, text, suffix)
    data = read_index(path).data
    assert len(data) == 5000
    wanted = [(data.starts[row], data.starts[row + 1]) for row in (4999, 0, 17, 2500)]
    found = read_stanzas(path, wanted)
    assert [found[begin]["Package"] for begin, _ in wanted] == ["hello4999", "hello0", "hello17", "hello2500"]
    assert found[wanted[0][0]]["Maintainer"] == "Ünïcode <a@example.invalid>"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n\n",
        USUAL.rstrip("\n"),
        USUAL.rstrip("\n") + "\n",
        "\n\n" + USUAL + "\n\n\n" + USUAL,
        USUAL.replace("Package: hello\n", "").replace("Size: 5", "Package: hello\nSize: 5"),  # not first
        USUAL.replace("Source: greetings (3.1)\n", "").replace("Section", "Source: greetings (3.1)\nSection"),
        USUAL.replace("Version", "version").replace("SHA256", "sha256"),
        USUAL.replace(f"SHA256: {DIGEST}\n", "MD5sum: 0123\n") + USUAL,
        USUAL.replace("Size: 53080", f"SHA256: {DIGEST}").replace(
            f"\nSHA256: {DIGEST}\n\n", "\nSize: 53080\n\n"
        ),
        USUAL.replace("Size: 53080\n", "") + USUAL,
        USUAL.replace("Version: 2.10-3", "Version:   2.10-3   ") + USUAL,
        USUAL.replace("Description: example", "Description: Package: odd\n Version: 9\n .\n") + USUAL,
        USUAL.replace("Section: devel", "Essential: yes\nSection: devel") + USUAL.replace("hello", "b"),
        USUAL + USUAL.replace("Section: devel", "Phased-Update-Percentage: 20\nSection: devel"),
        USUAL.replace("Section: devel", "Essential: no\nPhased-Update-Percentage: soon\nSection: x"),
    ],
)
def test_odd_files_read_field_by_field_say_the_same(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, text)
    quick = read_index(path).data
    monkeypatch.setattr(packages_index, "_is_regular", lambda *_: False)
    slow = read_index(path).data
    assert rows(quick) == rows(slow)
    assert quick.starts == slow.starts


def test_fields_that_are_rare(tmp_path: Path) -> None:
    text = (
        USUAL
        + USUAL.replace("hello", "base").replace("Section", "Essential: yes\nSection")
        + USUAL.replace("hello", "late").replace("Section", "Phased-Update-Percentage: 20\nSection")
        + USUAL.replace("hello", "last").replace(f"SHA256: {DIGEST}\n", "")
    )
    data = read_index(written(tmp_path, text)).data
    assert data.essential == [1]
    assert data.phased == {2: 20}
    assert data.digest(3) == NO_DIGEST


Stanza = Mapping[str, str]

word = st.text("abc019.+~-", min_size=1, max_size=6)
stanza = st.fixed_dictionaries(
    {
        "Package": word,
        "Source": st.sampled_from(["", "src", "src (1)"]),
        "Version": word,
        "Architecture": st.sampled_from(["amd64", "all", "i386"]),
        "Essential": st.sampled_from(["", "", "", "yes", "no"]),
        "Phased-Update-Percentage": st.sampled_from(["", "", "0", "55"]),
        "Size": st.integers(0, 99).map(str),
        "SHA256": st.sampled_from(["", DIGEST, "0f" * 32]),
    }
)


def text_of(stanzas: Sequence[Stanza]) -> str:
    return "\n".join(
        "".join(f"{name}: {value}\n" for name, value in each.items() if value) for each in stanzas
    )


@given(before=st.lists(stanza, max_size=8), extra=st.lists(stanza, max_size=4), data=st.data())
def test_reading_again_gives_what_reading_anew_gives(
    before: list[Stanza], extra: list[Stanza], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("index")
    old = read_index(written(folder, text_of(before))).data
    after = data.draw(st.permutations([each for each in before if data.draw(st.booleans())] + extra))
    path = written(folder, text_of(after))
    again, anew = read_index(path, old), read_index(path).data
    assert again.data == anew
    changed = {row[0] for row in set(rows(old)) ^ set(rows(anew))}
    assert changed <= again.changed


def test_reading_an_unchanged_file_again_names_no_package(tmp_path: Path) -> None:
    path = written(tmp_path, USUAL + USUAL.replace("hello", "b"))
    data = read_index(path).data
    again = read_index(path, data)
    assert again.changed == set()
    assert again.data == data
