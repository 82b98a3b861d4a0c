"""Offers equal apt's own candidates, in configurations that people have."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.support.apt_compare import Compared, Standing, all_packages, assert_same, synchronised
from tests.support.apt_root import AptRoot, StoredArchive, stanza

from wua.model.enums import DeploymentAction
from wua.model.updates import Offer
from wua.system.run import run
from wua.testing.debian import Package, Repository, can_sign

pytestmark = pytest.mark.usefixtures("whose_apt")
NEVER_VALID = 1_600_000_000  # long ago


def installed(name: str, version: str, *, architecture: str = "all", want: str = "install") -> str:
    return stanza(
        {
            "Package": name,
            "Status": f"{want} ok installed",
            "Maintainer": "Tests",
            "Architecture": architecture,
            "Version": version,
            "Description": "a package made for a test",
        }
    )


class Configuration:
    """A private apt with repositories that apt-get update has really read."""

    def __init__(self, folder: Path, *, architectures: Sequence[str] = ("amd64",)) -> None:
        self.folder = folder
        self.root = AptRoot(folder / "root", architectures=architectures)
        self._compared: Compared | None = None

    def repository(self, suite: str = "stable", *packages: Package, **options: object) -> Repository:
        made = Repository(self.folder / f"repo-{suite}", suite=suite, codename=suite, **options)  # type: ignore[arg-type]
        for package in packages:
            made.add(package)
        made.write()
        return made

    def fetch(self) -> None:
        done = run(self.root.apt("apt-get", "update"))
        assert done.exit == 0, done.stderr
        assert "E:" not in done.stderr

    def use(self, *repositories: Repository) -> None:
        self.root.sources(*(each.source_line() for each in repositories))
        self.fetch()

    def same(self) -> set[Standing]:
        """The offers, which are apt's: by a new catalogue, and by the last call's, brought up to date."""
        folder = self.folder / "fresh"
        fresh = synchronised(self.root)
        offers = assert_same(self.root, fresh)
        if self._compared is None:
            self._compared = synchronised(self.root, folder)
        else:
            self._compared.service.sync()
        assert assert_same(self.root, self._compared) == offers
        fresh.catalogue.close()
        return offers

    def offer(self, name: str, version: str) -> Offer:
        assert self._compared is not None
        (found,) = self._compared.catalogue.search("name = ? AND version = ?", (name, version))
        return found

    def known(self) -> set[str]:
        assert self._compared is not None
        return all_packages(self._compared.catalogue, "amd64")


@pytest.fixture
def apt(tmp_path: Path) -> Iterator[Configuration]:
    made = Configuration(tmp_path)
    yield made
    if made._compared is not None:
        made._compared.catalogue.close()


def here(name: str, version: str) -> Standing:
    return Standing(name, version, present=True)


def new(name: str, version: str) -> Standing:
    return Standing(name, version, present=False)


def test_upgrades_and_new_packages(apt: Configuration) -> None:
    apt.use(apt.repository("stable", Package("a", "1.1"), Package("b", "2.0"), Package("c", "1")))
    apt.root.status(installed("a", "1.0"), installed("c", "1"), installed("gone", "3"))
    assert apt.same() == {
        here("a", "1.0"),
        new("a", "1.1"),
        new("b", "2.0"),
        here("c", "1"),
        here("gone", "3"),
    }
    assert apt.offer("a", "1.1").deployment_action is DeploymentAction.INSTALLATION
    assert apt.offer("b", "2.0").deployment_action is DeploymentAction.OPTIONAL_INSTALLATION
    assert apt.offer("b", "2.0").browse_only == 1
    assert apt.offer("c", "1").installed == 1


def test_several_versions_in_one_index(apt: Configuration) -> None:
    versions = ("1.0", "1.0+b1", "1:0.1", "2.0~rc1", "2.0")
    apt.use(apt.repository("stable", *(Package("a", version) for version in versions)))
    assert apt.same() == {new("a", "1:0.1")}
    apt.root.status(installed("a", "2.0"))
    assert apt.same() == {here("a", "2.0"), new("a", "1:0.1")}


def test_backports_are_not_automatic(apt: Configuration) -> None:
    main = apt.repository("stable", Package("a", "1"), Package("b", "1"))
    backports = apt.repository(
        "stable-backports",
        Package("a", "2~bpo"), Package("b", "3~bpo"), Package("only", "1~bpo"),
        not_automatic=True, but_automatic_upgrades=True,
    )  # fmt: skip
    apt.use(main, backports)
    apt.root.status(installed("a", "1"), installed("b", "2~bpo"))
    assert apt.same() == {here("a", "1"), here("b", "2~bpo"), new("b", "3~bpo"), new("only", "1~bpo")}


def test_experimental_is_never_automatic(apt: Configuration) -> None:
    main = apt.repository("stable", Package("a", "1"))
    experimental = apt.repository("experimental", Package("a", "9"), Package("only", "1"), not_automatic=True)
    apt.use(main, experimental)
    apt.root.status(installed("only", "0.9"))
    assert apt.same() == {new("a", "1"), here("only", "0.9")}


def test_default_release(apt: Configuration) -> None:
    apt.use(
        apt.repository("stable", Package("a", "1"), Package("b", "1")),
        apt.repository("testing", Package("a", "2"), Package("b", "2")),
    )
    apt.root.status(installed("b", "1.5"))
    apt.root.config('APT::Default-Release "stable";')
    assert apt.same() == {new("a", "1"), here("b", "1.5"), new("b", "2")}
    apt.root.config('APT::Default-Release "/^test/";')
    assert apt.same() == {new("a", "2"), here("b", "1.5"), new("b", "2")}
    apt.root.config("")
    assert apt.same() == {new("a", "2"), here("b", "1.5"), new("b", "2")}


def test_default_release_that_does_not_exist_is_said(apt: Configuration) -> None:
    apt.use(apt.repository("stable", Package("a", "1")))
    apt.root.config('APT::Default-Release "potato";')
    (warning,) = synchronised(apt.root).warnings
    assert "potato" in warning.text


def test_pins_by_name_pattern_source_and_release(apt: Configuration) -> None:
    apt.use(
        apt.repository(
            "stable",
            Package("libx1", "1", source="x"), Package("x-data", "1", source="x"), Package("tool", "1"),
            Package("kde-a", "1"), Package("other", "1"),
        ),
        apt.repository(
            "testing",
            Package("libx1", "2", source="x"), Package("x-data", "2", source="x"), Package("tool", "2"),
            Package("kde-a", "2"), Package("other", "2"), origin="Elsewhere", label="Extra",
        ),
    )  # fmt: skip
    apt.root.preferences(
        "Package: src:x\nPin: release a=stable\nPin-Priority: 700\n\n"
        "# tools\nPackage: to?l\nPin: version 1*\nPin-Priority: 600\n"
    )
    apt.root.preferences("Package: /^kde-/\nPin: release o=Debian,l=Debian\nPin-Priority: 800\n", "20-kde")
    apt.root.preferences("Package: other\nPin: version 1\nPin-Priority: 900\n", "ignored.txt")
    assert apt.same() == {
        new("libx1", "1"), new("x-data", "1"), new("tool", "1"), new("kde-a", "1"), new("other", "2"),
    }  # fmt: skip
    apt.root.preferences("Package: *\nPin: release l=Extra\nPin-Priority: 50\n")
    assert new("other", "1") in apt.same()


def test_negative_and_never_pins(apt: Configuration) -> None:
    apt.use(
        apt.repository("stable", Package("a", "1"), Package("b", "1"), Package("c", "1")),
        apt.repository("testing", Package("a", "2"), Package("b", "2"), Package("d", "2")),
    )
    apt.root.status(installed("b", "1"))
    apt.root.preferences(
        "Package: a b\nPin: version 2\nPin-Priority: -1\n\nPackage: c\nPin: release *\nPin-Priority: -10\n"
    )
    assert apt.same() == {new("a", "1"), here("b", "1"), new("d", "2")}
    assert "c" in apt.known()
    apt.root.preferences("Package: *\nPin: release a=testing\nPin-Priority: never\n")
    assert apt.same() == {new("a", "1"), here("b", "1"), new("c", "1")}


def test_pins_over_1000_go_back(apt: Configuration) -> None:
    apt.use(apt.repository("stable", Package("a", "1"), Package("b", "1")))
    apt.root.status(installed("a", "2"), installed("b", "2"))
    apt.root.preferences("Package: a\nPin: version 1\nPin-Priority: 1001\n")
    assert apt.same() == {here("a", "2"), new("a", "1"), here("b", "2")}
    assert "goes back" in apt.offer("a", "1").reason
    apt.root.preferences("Package: a\nPin: version 1\nPin-Priority: 999\n")
    assert apt.same() == {here("a", "2"), here("b", "2")}


def test_holds_hide_and_change_no_candidate(apt: Configuration) -> None:
    apt.use(apt.repository("stable", Package("a", "2"), Package("b", "2")))
    apt.root.status(installed("a", "1", want="hold"), installed("b", "1"))
    assert apt.same() == {here("a", "1"), new("a", "2"), here("b", "1"), new("b", "2")}
    assert (apt.offer("a", "2").hidden, apt.offer("b", "2").hidden) == (1, 0)
    apt.root.status(installed("a", "1"), installed("b", "1", want="hold"))
    assert apt.same()
    assert (apt.offer("a", "2").hidden, apt.offer("b", "2").hidden) == (0, 1)


def test_foreign_architecture_beside_the_native_one(tmp_path: Path) -> None:
    apt = Configuration(tmp_path, architectures=("amd64", "i386"))
    apt.use(
        apt.repository(
            "stable",
            Package("lib", "2", architecture="amd64", multi_arch="same"),
            Package("lib", "2", architecture="i386", multi_arch="same"),
            Package("all", "1"),
            Package("native", "1", architecture="amd64"),
            Package("foreign", "1", architecture="i386"),
        )
    )
    apt.root.status(installed("lib", "1", architecture="i386"), installed("lib", "1", architecture="amd64"))
    apt.root.preferences("Package: lib\nPin: version 2\nPin-Priority: -1\n")
    assert apt.same() == {
        here("lib", "1"), here("lib:i386", "1"), new("lib:i386", "2"), new("all", "1"), new("native", "1"),
        new("foreign:i386", "1"),
    }  # fmt: skip
    apt.root.preferences("Package: lib:any\nPin: version 2\nPin-Priority: -1\n")
    assert new("lib:i386", "2") not in apt.same()


def test_local_flat_repository_without_a_release_file(apt: Configuration) -> None:
    main = apt.repository("stable", Package("a", "1"))
    flat = apt.folder / "flat"
    flat.mkdir()
    index = Repository(apt.folder / "made", suite="x").add(Package("a", "1+local")).index_stanza()
    (flat / "Packages").write_text(index)
    apt.root.sources(main.source_line(), f"deb [trusted=yes] file:{flat} ./")
    apt.fetch()
    assert apt.same() == {new("a", "1+local")}
    apt.root.preferences('Package: *\nPin: origin ""\nPin-Priority: 1\n')
    assert apt.same() == {new("a", "1+local")}


def test_signed_by_and_expired_release(apt: Configuration) -> None:
    if not can_sign():
        pytest.skip("gpg is not installed")
    signed = apt.repository("stable", Package("a", "2"), signed=True)
    expired = apt.repository("old", Package("a", "3"), valid_until=NEVER_VALID + 1, date=NEVER_VALID)
    apt.root.sources(signed.source_line(), expired.source_line())
    done = run(apt.root.apt("apt-get", "update"))
    assert "expired" in done.stderr
    assert apt.same() == {new("a", "2")}
    apt.root.config('Acquire::Check-Valid-Until "false";')
    apt.fetch()
    assert apt.same() == {new("a", "3")}


def test_deb822_sources_by_hash_and_compressed(apt: Configuration) -> None:
    main = apt.repository("stable", Package("a", "1"), Package("b", "1"), by_hash=True, compress=("xz",))
    extra = apt.repository("extra", Package("a", "2"), by_hash=True, compress=("gz",))
    sources = apt.root.base / "etc/sources.list.d"
    (sources / "main.sources").write_text(main.deb822() + "\n" + extra.deb822() + "Enabled: no\n")
    apt.root.config('Acquire::GzipIndexes "true";')
    apt.fetch()
    assert apt.same() == {new("a", "1"), new("b", "1")}
    (sources / "main.sources").write_text(main.deb822() + "\n" + extra.deb822())
    apt.fetch()
    assert apt.same() == {new("a", "2"), new("b", "1")}


@pytest.mark.parametrize("kind", ["lz4", "zst", "gz", "xz", "bz2", "lzma"])
def test_lists_kept_compressed(apt: Configuration, kind: str) -> None:
    main = apt.repository("stable", *(Package(f"p{n}", "1") for n in range(30)), compress=("plain",))
    apt.root.config(
        'Acquire::GzipIndexes "true"; Acquire::CompressionTypes::Order:: "gz";'
        f"#clear Acquire::IndexTargets::deb::Packages::KeepCompressedAs;\n"
        f'Acquire::IndexTargets::deb::Packages::KeepCompressedAs "{kind}";'
    )
    apt.root.sources(main.source_line(f"copy:{main.path}"))
    apt.fetch()
    stored = [path.name for path in apt.root.lists_dir.glob("*_Packages*")]
    assert stored
    assert stored[0].endswith(f"_Packages.{kind}")
    assert len(apt.same()) == 30


def test_two_suites_and_components_of_one_archive(apt: Configuration) -> None:
    both = apt.repository("stable", components=("main", "contrib"))
    both.add(Package("a", "1"), "main")
    both.add(Package("a", "2"), "contrib")
    both.write()
    apt.use(both)
    assert apt.same() == {new("a", "2")}
    apt.root.preferences("Package: *\nPin: release c=contrib\nPin-Priority: 100\n")
    assert apt.same() == {new("a", "1")}


def test_half_installed_and_removed_packages(apt: Configuration) -> None:
    apt.use(apt.repository("stable", Package("a", "2"), Package("b", "2"), Package("c", "2")))
    apt.root.status(
        installed("a", "1").replace("ok installed", "ok half-configured"),
        installed("b", "1").replace("install ok installed", "deinstall ok config-files"),
        installed("c", "2").replace("ok installed", "reinstreq half-installed"),
    )
    assert apt.same() == {here("a", "1"), new("a", "2"), new("b", "2"), here("c", "2")}
    assert (apt.offer("a", "1").installed, apt.offer("c", "2").installed) == (0, 0)
    assert apt.offer("b", "2").installed_version == ""


def test_a_pattern_that_only_apt_understands_is_asked_of_apt(apt: Configuration) -> None:
    apt.use(
        apt.repository("stable", Package("a1", "1"), Package("b", "1")),
        apt.repository("testing", Package("a1", "2"), Package("b", "2")),
    )
    apt.root.preferences("Package: a1\nPin: release a=/^st[[:alpha:]]+$/\nPin-Priority: 900\n")
    assert apt.same() == {new("a1", "1"), new("b", "2")}
    (warning,) = synchronised(apt.root).warnings
    assert "[[:alpha:]]" in warning.text


def test_sources_change_and_packages_leave(apt: Configuration) -> None:
    main = apt.repository("stable", Package("a", "1"), Package("b", "1"))
    extra = apt.repository("extra", Package("c", "1"))
    apt.use(main, extra)
    apt.root.status(installed("b", "1"))
    assert apt.same() == {new("a", "1"), here("b", "1"), new("c", "1")}
    main.remove("b")
    main.add(Package("a", "1.1"))
    main.write()
    apt.fetch()
    assert apt.same() == {new("a", "1.1"), here("b", "1"), new("c", "1")}
    apt.use(main)
    assert apt.same() == {new("a", "1.1"), here("b", "1")}


def test_one_version_with_two_digests(apt: Configuration, whose_apt: str) -> None:
    """Two versions to newer apts: then a pin by origin can concern one of them alone."""
    root = apt.root
    one, two = StoredArchive(root, "one.example", "stable"), StoredArchive(root, "two.example", "stable")
    root.sources(one.line, two.line)
    fields = {"Package": "a", "Version": "2", "Architecture": "all", "Filename": "a.deb", "Size": 10}
    one.write([{**fields, "SHA256": "1" * 64}])
    two.write([{**fields, "SHA256": "2" * 64}])
    root.preferences("Package: a\nPin: origin one.example\nPin-Priority: -1\n")
    offered = apt.same()
    assert offered == {new("a", "2")} or whose_apt == "here"


def test_nothing_at_all(apt: Configuration) -> None:
    assert apt.same() == set()


def test_it_is_the_apt_that_is_meant(apt: Configuration, whose_apt: str) -> None:
    version = run(apt.root.apt("apt-get", "--version")).stdout.split()[1]
    assert version.startswith("3.") or whose_apt == "here"
