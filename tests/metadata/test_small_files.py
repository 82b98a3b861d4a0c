"""deb822 text, Release files, dpkg's status, automatic marks, translations."""

from pathlib import Path

import pytest
from tests.support.codecs import COMPRESSORS

from wua.metadata.deb822 import Paragraph, locate, parse
from wua.metadata.dpkg_status import DpkgPackage, read_automatic, read_status
from wua.metadata.release_file import ReleaseFacts, parse_release, read_release
from wua.metadata.translations import read_descriptions


def test_paragraphs_comments_and_continuations() -> None:
    text = "# first\n\nA: 1\n# between\nB:  two \n more\n .\n\ttab\n\n\n\nA: 2\n"
    assert parse(text) == [{"A": "1", "B": "two\n more\n .\n\ttab"}, {"A": "2"}]
    assert [found.line for found in locate(text)] == [3, 12]


def test_fields_in_any_case() -> None:
    fields = Paragraph({"package": "a", "Version": "1"})
    assert (fields.field("Package"), fields.field("VERSION"), fields.field("Size", "0")) == ("a", "1", "0")


def test_a_continuation_of_nothing_is_left_out() -> None:
    assert parse(" lost\nA: 1") == [{"A": "1"}]


RELEASE = b"""\
Origin: Debian
Label: Debian-Security
Suite: oldstable-security
Version: 12
Codename: bookworm-security
Date: Sat, 15 Aug 2026 10:00:00 UTC
Valid-Until: Sat, 22 Aug 2026 10:00:00 UTC
notautomatic: yes
ButAutomaticUpgrades: yes
SHA256:
 0123 45 main/binary-amd64/Packages
"""

FACTS = ReleaseFacts(
    origin="Debian",
    label="Debian-Security",
    suite="oldstable-security",
    codename="bookworm-security",
    version="12",
    date=1786788000.0,
    valid_until=1787392800.0,
    not_automatic=True,
    but_automatic_upgrades=True,
)


def test_release_and_in_release(tmp_path: Path) -> None:
    signed = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + RELEASE
    signed += b"-----BEGIN PGP SIGNATURE-----\nVersion: GnuPG\n\niQ\n-----END PGP SIGNATURE-----\n"
    path = tmp_path / "InRelease"
    path.write_bytes(signed)
    assert read_release(path) == parse_release(RELEASE) == FACTS


def test_but_automatic_upgrades_needs_not_automatic() -> None:
    facts = parse_release(RELEASE.replace(b"notautomatic: yes", b"NotAutomatic: no"))
    assert (facts.not_automatic, facts.but_automatic_upgrades) == (False, False)


def test_a_release_file_that_says_nothing() -> None:
    assert parse_release(b"Date: yesterday\nX: y\n") == ReleaseFacts()


def test_status_file(tmp_path: Path) -> None:
    path = tmp_path / "status"
    path.write_text(
        "Package: a\nStatus: install ok installed\nEssential: yes\nArchitecture: amd64\nSource: src (2)\n"
        "Version: 1:2-3\nDescription: x\n Version: 9\n\n"
        "Package: b\nStatus: hold ok half-configured\nArchitecture: all\nVersion: 1\n\n"
        "Package: c\nStatus: deinstall ok config-files\nArchitecture: i386\nVersion: 1\n\n"
        "Package: d\nStatus: install reinstreq half-installed\nArchitecture: all\n\n"
        "Package: broken\nStatus: install\n\n"
    )
    a, b, c, d = read_status(path)
    assert a == DpkgPackage(
        "a", "amd64", "1:2-3", "install", "installed", "ok", essential=True, source="src (2)"
    )
    assert (a.present, a.complete, a.held) == (True, True, False)
    assert (b.present, b.complete, b.held) == (True, False, True)
    assert (c.present, c.complete) == (False, False)
    assert (d.present, d.complete) == (False, False)
    assert read_status(tmp_path / "missing") == []


def test_automatic_marks(tmp_path: Path) -> None:
    path = tmp_path / "extended_states"
    text = "Package: a\nArchitecture: amd64\nAuto-Installed: 1\n\n"
    path.write_text(text + text.replace(": a", ": b").replace(": 1", ": 0"))
    assert read_automatic(path) == {("a", "amd64")}
    assert read_automatic(tmp_path / "missing") == frozenset()


@pytest.mark.parametrize("suffix", ["", ".lz4", ".xz"])
def test_translations(tmp_path: Path, suffix: str) -> None:
    entries = "".join(
        f"Package: p{n}\nDescription-md5: {n:032x}\nDescription-en: short {n}\n long\n .\n {'x' * 200}\n\n"
        for n in range(9000)
    )
    path = tmp_path / f"Translation-en{suffix}"
    path.write_bytes(COMPRESSORS[suffix](entries.encode()))
    found = read_descriptions(path, {f"{n:032x}" for n in (0, 8999)} | {"f" * 32})
    assert found == {f"{n:032x}": f"short {n}\n long\n .\n {'x' * 200}" for n in (0, 8999)}
