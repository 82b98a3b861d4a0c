"""dpkg's database read from its files: the journal counts, architectures are told apart."""

from pathlib import Path

from wua.handlers.dpkg_state import DpkgState, automatic_marks

STATUS = """\
Package: a
Status: install ok installed
Essential: yes
Installed-Size: 12
Architecture: all
Version: 1:2-3
Conffiles:
 /etc/a.conf 0123456789abcdef0123456789abcdef
 /etc/old 0123456789abcdef0123456789abcdef obsolete
Description: a
 more

Package: m
Status: install ok installed
Architecture: amd64
Version: 1

Package: m
Status: hold ok installed
Architecture: i386
Version: 2

Package: rc
Status: deinstall ok config-files
Architecture: i386
Version: 1
"""


def made(folder: Path, **journal: str) -> DpkgState:
    (folder / "status").write_text(STATUS)
    (folder / "updates").mkdir()
    for name, text in journal.items():
        (folder / "updates" / name.lstrip("n")).write_text(text)
    return DpkgState.read(folder, "amd64")


def test_records_and_their_fields(tmp_path: Path) -> None:
    state = made(tmp_path)
    a = state.find("a", "amd64")
    assert a is not None
    assert a == state.find("a") == state.find("a", "all") == state.any("a")
    assert (a.version, a.essential, a.installed_size, a.complete, a.broken) == (
        "1:2-3",
        True,
        12288,
        True,
        False,
    )
    assert a.conffiles() == {"/etc/a.conf": "0123456789abcdef0123456789abcdef"}
    assert a.status == "install ok installed 1:2-3"
    foreign = state.find("m", "i386")
    assert foreign is not None
    assert (foreign.version, foreign.want) == ("2", "hold")
    rc = state.find("rc", "i386")
    assert rc is not None
    assert not rc.present
    assert state.any("rc") is None
    assert len(list(state)) == 4


def test_journal_replaces_in_order(tmp_path: Path) -> None:
    later = "Package: m\nStatus: install reinstreq half-installed\nArchitecture: amd64\nVersion: 1\n"
    last = later.replace("reinstreq half-installed", "ok unpacked").replace("Version: 1", "Version: 3")
    state = made(tmp_path, n0000=later, n0001=last, tmp=later)
    m = state.find("m")
    assert m is not None
    assert (m.state, m.version, m.broken, m.complete) == ("unpacked", "3", True, False)
    assert state.broken() == (m,)


def test_nothing_there_is_nothing_installed(tmp_path: Path) -> None:
    assert list(DpkgState.read(tmp_path, "amd64")) == []
    assert automatic_marks(tmp_path / "extended_states", "amd64") == frozenset()


def test_automatic_marks(tmp_path: Path) -> None:
    path = tmp_path / "extended_states"
    stanzas = [
        f"Package: {name}\nArchitecture: {arch}\nAuto-Installed: {auto}\n"
        for name, arch, auto in (("a", "amd64", 1), ("b", "i386", 0))
    ]
    path.write_text("\n".join(stanzas))
    assert automatic_marks(path, "amd64") == {("a", "amd64")}
