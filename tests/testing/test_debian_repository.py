"""The repository builder against the real dpkg-deb, apt and dpkg."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from wua.testing.debian import Package, Repository, Signer, build_deb, can_sign

HELLO = Package(
    "hello",
    "1:2.0-1",
    architecture="amd64",
    depends="base (>= 1)",
    description="says hello\nat some length\n\nand more",
    scripts={"postinst": "#!/bin/sh\nexit 0\n"},
    conffiles={"/etc/hello.conf": "greeting=hello\n"},
    files={"/usr/bin/hello": "#!/bin/sh\necho hello\n", "/usr/share/hello/data": b"\0\1\2"},
    links={"/usr/bin/hi": "hello"},
    changelog="hello (1:2.0-1) stable; urgency=high\n",
    phased=10,
)
BASE = Package("base", "1.0", files={"/usr/share/base/x": "old"})

needs_gpg = pytest.mark.skipif(not can_sign(), reason="gpg is not installed")


def call(*argv: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class Root:
    """A plain root with apt settings of its own, as an ordinary user could have it."""

    def __init__(self, path: Path, *lines: str, conf: str = "") -> None:
        self.root = path / "root"
        for folder in ("info", "updates", "triggers", "alternatives", "parts"):
            (self.root / "var/lib/dpkg" / folder).mkdir(parents=True)
        for name in ("status", "available"):
            (self.root / "var/lib/dpkg" / name).touch()
        for folder in (
            "etc/apt.conf.d",
            "etc/sources.d",
            "state/lists/partial",
            "cache/archives/partial",
            "log",
        ):
            (path / "apt" / folder).mkdir(parents=True)
        kind = "x.sources" if lines[0].startswith("Types") else "x.list"
        (path / "apt/etc/sources.d" / kind).write_text("\n".join(lines) + "\n")
        config = path / "apt.conf"
        config.write_text(
            f'Dir "/"; Dir::Etc "{path}/apt/etc"; Dir::Etc::sourceparts "{path}/apt/etc/sources.d";'
            f'Dir::Etc::sourcelist "/dev/null"; Dir::State "{path}/apt/state"; Dir::Cache "{path}/apt/cache";'
            f'Dir::State::status "{self.root}/var/lib/dpkg/status"; Dir::Log "{path}/apt/log";'
            'APT::Sandbox::User ""; pkgCacheGen::Essential "none"; Acquire::Languages "none";'
            'APT::Architecture "amd64"; APT::Architectures { "amd64"; }; Acquire::Retries "0";'
            f'DPkg::Options {{ "--root={self.root}"; "--force-not-root"; "--force-script-chrootless";'
            f'"--log={path}/apt/log/dpkg.log"; }}; DPkg::Use-Pty "false"; {conf}\n'
        )
        self.env = {
            "APT_CONFIG": str(config),
            "PATH": os.defpath + ":/usr/sbin:/sbin",
            "LC_ALL": "C",
            "DEBIAN_FRONTEND": "noninteractive",
        }

    def apt(self, *arguments: str) -> str:
        return call("apt-get", "-y", "-q", *arguments, env=self.env)

    def fails(self, *arguments: str) -> str:
        done = subprocess.run(
            ["apt-get", "-y", "-q", *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode != 0, done.stdout
        return done.stdout + done.stderr

    def policy(self, name: str) -> str:
        return call("apt-cache", "policy", name, env=self.env)


def test_dpkg_deb_reads_what_was_built(tmp_path: Path) -> None:
    deb = tmp_path / "hello.deb"
    deb.write_bytes(build_deb(HELLO))
    fields = call("dpkg-deb", "-f", str(deb))
    assert "Version: 1:2.0-1\n" in fields
    assert "Description: says hello\n at some length\n .\n and more" in fields
    assert "Phased" not in fields
    info = call("dpkg-deb", "-I", str(deb))
    assert "conffiles" in info
    assert "* " in info
    assert "postinst" in info
    listing = call("dpkg-deb", "-c", str(deb))
    assert "-rwxr-xr-x root/root" in next(x for x in listing.splitlines() if x.endswith("./usr/bin/hello"))
    assert "./usr/bin/hi -> hello" in listing
    assert "./usr/share/doc/hello/changelog.Debian.gz" in listing
    call("dpkg-deb", "-x", str(deb), str(tmp_path / "out"))
    assert (tmp_path / "out/usr/share/hello/data").read_bytes() == b"\0\1\2"
    assert (tmp_path / "out/etc/hello.conf").read_text() == "greeting=hello\n"


def test_same_package_same_bytes() -> None:
    assert build_deb(HELLO) == build_deb(HELLO)


def test_building_is_fast() -> None:
    start = time.process_time()
    for number in range(100):
        build_deb(Package("a", f"1.{number}", files={"/usr/share/a/x": b"x"}))
    assert time.process_time() - start < 0.4


def test_what_was_added_is_known(tmp_path: Path) -> None:
    repo = Repository(tmp_path)
    built = repo.add(Package("libhello", "1:2-1"))
    assert repo.packages == [built]
    assert built.filename == "pool/main/libh/libhello/libhello_2-1_all.deb"
    assert built.deb_path.stat().st_size == built.size
    repo.remove("libhello")
    assert not repo.packages
    assert not built.deb_path.exists()


@pytest.mark.parametrize("form", ["line", "deb822"])
@pytest.mark.parametrize("compress", [("plain",), ("gz",), ("xz",)])
def test_apt_reads_every_form(tmp_path: Path, form: str, compress: tuple[str, ...]) -> None:
    repo = Repository(tmp_path / "repo", compress=compress, by_hash="gz" in compress)
    repo.add(HELLO)
    repo.write()
    root = Root(tmp_path, repo.source_line() if form == "line" else repo.deb822())
    assert "W:" not in root.apt("update")
    assert "1:2.0-1 500 (phased 10%)" in root.policy("hello").replace("\n        500", " 500")


def test_a_newer_version_appears_and_installs(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo", label="Ours", not_automatic=True, but_automatic_upgrades=True)
    repo.add(BASE)
    repo.write()
    root = Root(tmp_path, repo.source_line())
    root.apt("update")
    assert "100 file:" in root.policy("base")
    root.apt("install", "base")
    assert (root.root / "usr/share/base/x").read_text() == "old"
    repo.add(Package("base", "2.0", files={"/usr/share/base/x": "new"}))
    repo.remove("base", "1.0")
    repo.write()
    root.apt("update")
    assert "Candidate: 2.0" in root.policy("base")
    root.apt("upgrade")
    assert (root.root / "usr/share/base/x").read_text() == "new"
    root.apt("purge", "base")
    assert not (root.root / "usr/share/base").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="maintainer scripts never run chrootless as root")
def test_scripts_run_at_install(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo")
    script = '#!/bin/sh\necho "$1" > "$DPKG_ROOT/ran"\n'
    repo.add(Package("scripted", "1", scripts={"postinst": script}, pre_depends="base"))
    repo.add(BASE)
    repo.write()
    root = Root(tmp_path, repo.source_line())
    root.apt("update")
    root.apt("install", "scripted")
    assert (root.root / "ran").read_text() == "configure\n"


def test_an_expired_release_is_refused(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo", valid_until=1_704_100_000)
    repo.add(BASE)
    repo.write()
    assert "expired" in Root(tmp_path, repo.source_line()).fails("update")


def test_foreign_architectures_have_their_index(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo", components=("main", "contrib"))
    repo.add(Package("both", "1", architecture="amd64"))
    repo.add(Package("both", "2", architecture="i386"), component="contrib")
    repo.write()
    root = Root(tmp_path, repo.source_line(), conf='APT::Architectures { "amd64"; "i386"; };')
    root.apt("update")
    assert "Candidate: 1\n" in root.policy("both")
    assert "Candidate: 2\n" in root.policy("both:i386")


@needs_gpg
def test_a_signed_repository_is_trusted_by_its_key_only(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo", signed=True)
    repo.add(BASE)
    repo.write()
    assert "trusted" not in repo.source_line()
    root = Root(tmp_path, repo.source_line())
    assert "W:" not in root.apt("update")
    assert "Candidate: 1.0" in root.policy("base")
    other = Signer()
    wrong = tmp_path / "wrong.asc"
    wrong.write_bytes(other.public_key)
    other.close()
    (tmp_path / "second").mkdir()
    assert "NO_PUBKEY" in Root(tmp_path / "second", repo.source_line(signed_by=str(wrong))).fails("update")


@needs_gpg
def test_a_tampered_release_is_refused(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo", signed=True)
    repo.add(BASE)
    repo.write()
    release = repo.path / "dists/stable/InRelease"
    release.write_bytes(release.read_bytes().replace(b"Label: Debian", b"Label: Nobody"))
    assert "BADSIG" in Root(tmp_path, repo.source_line()).fails("update")


def test_apt_works_through_the_server(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo", by_hash=True)
    repo.add(BASE)
    repo.write()
    with repo.serve() as url:
        root = Root(tmp_path, repo.source_line(url))
        root.apt("update")
        root.apt("install", "base")
        assert url.server.count("/by-hash/SHA256/") == 1
        assert url.server.bytes_sent > repo.packages[0].size
    assert (root.root / "usr/share/base/x").read_text() == "old"
