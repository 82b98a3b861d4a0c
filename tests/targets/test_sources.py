"""Sources files copied for a root of its own."""

from pathlib import Path

from wua.targets import sources

ONE_LINE = "deb [trusted=yes] file:/srv/debian stable main\n"
LOCAL = "///srv/debian"
DEB822 = f"Types: deb\nURIs: file:{LOCAL}\nSuites: stable\nComponents: main\nSigned-By: /srv/key.asc\n"


def etc(folder: Path) -> Path:
    for name in ("sources.list.d", "preferences.d"):
        (folder / name).mkdir(parents=True)
    return folder


def test_each_style_gets_the_name_that_apt_wants() -> None:
    assert sources.file_name(ONE_LINE) == "wua.list"
    assert sources.file_name(DEB822) == "wua.sources"


def test_local_repositories_are_copied_from(tmp_path: Path) -> None:
    sources.write(etc(tmp_path), DEB822)
    assert f"URIs: copy:{LOCAL}" in (tmp_path / "sources.list.d/wua.sources").read_text()
    assert "copy:/srv" in sources.by_copy(ONE_LINE)
    assert sources.by_copy("deb http://file:/x y") == "deb http://file:/x y"


def test_local_folders_and_keys_are_found(tmp_path: Path) -> None:
    archive, key = tmp_path / "archive", tmp_path / "key.asc"
    archive.mkdir()
    key.touch()
    place = etc(tmp_path / "etc")
    text = f"Types: deb\nURIs: file:{archive} http://localhost/\nSuites: s\nComponents: c\nSigned-By: {key}\n"
    sources.write(place, text)
    (place / "sources.list").write_text(f"deb [signed-by={key},/nowhere] copy:///absent s c\n")
    assert set(sources.local_paths(place)) == {str(archive), str(key)}


def test_the_machines_sources_and_pins(tmp_path: Path) -> None:
    host = etc(tmp_path / "host")
    (host / "sources.list").write_text(ONE_LINE)
    (host / "sources.list.d/a.sources").write_text(DEB822)
    (host / "sources.list.d/a.sources.save").write_text("old")
    (host / "preferences").write_text("Package: *\n")
    (host / "preferences.d/b.pref").write_text("Package: b\n")
    own = etc(tmp_path / "own")
    sources.copy_host(own, host)
    sources.copy_preferences(own, host)
    assert [file.name for file in (own / "sources.list.d").iterdir()] == ["a.sources"]
    assert "copy:" in (own / "sources.list").read_text()
    assert (own / "preferences").read_text() == "Package: *\n"
    assert (own / "preferences.d/b.pref").exists()


def test_lists_are_copied_with_their_times(tmp_path: Path) -> None:
    host, own = tmp_path / "host", tmp_path / "own"
    (host / "partial").mkdir(parents=True)
    own.mkdir()
    assert not sources.copy_lists(host, own)
    (host / "a_Packages").write_text("x")
    (host / "lock").touch()
    assert sources.copy_lists(host, own)
    assert [file.name for file in own.iterdir()] == ["a_Packages"]
    assert (own / "a_Packages").stat().st_mtime_ns == (host / "a_Packages").stat().st_mtime_ns
    assert not sources.copy_lists(tmp_path / "absent", own)
