"""A private apt configuration in a folder: sources, preferences, lists and status as a test wants them.

No package is ever installed there. ``WUA_TEST_APT`` may name a command that runs apt somewhere
else (say ``chroot /some/root``, where this folder must be visible under the same path).
"""

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from wua.model.enums import TargetKind
from wua.model.plugins import Command, Holder, OsFacts, TargetPaths, TargetSpec
from wua.model.updates import RestartReason

_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"

_CONFIG: Final = """\
Dir "/";
Dir::Etc "{base}/etc";
Dir::Etc::main "apt.conf";
Dir::Etc::parts "apt.conf.d";
Dir::Etc::sourcelist "sources.list";
Dir::Etc::sourceparts "sources.list.d";
Dir::Etc::preferences "preferences";
Dir::Etc::preferencesparts "preferences.d";
Dir::State "{base}/state";
Dir::State::lists "{base}/state/lists";
Dir::State::status "{base}/dpkg/status";
Dir::State::extended_states "{base}/state/extended_states";
Dir::Cache "{base}/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Log "{base}/log";
APT::Architecture "amd64";
APT::Architectures {{ {architectures} }};
APT::Sandbox::User "";
APT::Get::Assume-Yes "true";
Acquire::Languages "none";
Acquire::Retries "0";
pkgCacheGen::Essential "none";
Dir::Bin::ischroot "/bin/false";
{extra}
"""


class AptRoot:
    """Implements the reading half of DebianTarget, and fetching, for a folder."""

    def __init__(self, base: Path, *, architectures: Sequence[str] = ("amd64",), config: str = "") -> None:
        self.base = base
        self.architectures = tuple(architectures)
        for folder in (
            "etc/apt.conf.d", "etc/sources.list.d", "etc/preferences.d", "state/lists/partial", "log",
            "cache/archives/partial", "dpkg", "wua",
        ):  # fmt: skip
            (base / folder).mkdir(parents=True, exist_ok=True)
        (self.dpkg_dir / "status").touch()
        self.config(config)

    # what a test sets

    def config(self, extra: str) -> None:
        quoted = " ".join(f'"{name}";' for name in self.architectures)
        text = _CONFIG.format(base=self.base, architectures=quoted, extra=extra)
        (self.base / "etc/apt.conf").write_text(text)

    def sources(self, *lines: str) -> None:
        (self.base / "etc/sources.list").write_text("\n".join([*lines, ""]))

    def preferences(self, text: str, name: str = "") -> None:
        path = self.base / "etc/preferences.d" / name if name else self.base / "etc/preferences"
        path.write_text(text)

    def status(self, *stanzas: str) -> None:
        (self.dpkg_dir / "status").write_text("\n".join(stanza.strip() + "\n" for stanza in stanzas))

    # Target

    @property
    def spec(self) -> TargetSpec:
        return TargetSpec(TargetKind.PLAIN_ROOT, str(self.base))

    @property
    def name(self) -> str:
        return str(self.base)

    @property
    def paths(self) -> TargetPaths:
        own = self.base / "wua"
        return TargetPaths(str(own / "state"), str(own / "cache"), str(own / "run"), str(own / "lock"))

    def os(self) -> OsFacts:
        return OsFacts(
            "debian", "12", "Debian GNU/Linux 12 (bookworm)", "bookworm", "amd64", self.architectures[1:]
        )

    def may_act(self) -> str:
        return ""

    def fingerprint(self) -> str:
        return ""

    def holders(self) -> tuple[Holder, ...]:
        return ()

    def restart_reasons(self) -> tuple[RestartReason, ...]:
        return ()

    # DebianTarget

    @property
    def dpkg_dir(self) -> Path:
        return self.base / "dpkg"

    @property
    def lists_dir(self) -> Path:
        return self.base / "state/lists"

    @property
    def archives_dir(self) -> Path:
        return self.base / "cache/archives"

    @property
    def extended_states(self) -> Path:
        return self.base / "state/extended_states"

    def apt(self, tool: str, *words: str) -> Command:
        argv = [*shlex.split(os.environ.get("WUA_TEST_APT", "")), f"/usr/bin/{tool}", *words]
        env = {"PATH": _PATH, "APT_CONFIG": str(self.base / "etc/apt.conf"), "LC_ALL": "C.UTF-8"}
        return Command(tuple(argv), env, cwd="/")

    def act(self, tool: str, *words: str) -> Command:
        raise AssertionError("nothing is installed here")

    def fetch(self, *words: str) -> Command:
        return self.apt("apt-get", *words)

    takes_scripts_out = False

    def take_scripts_out(self, deb: Path) -> None:
        raise AssertionError(deb)

    def script_problem(self, deb: Path) -> str:
        raise AssertionError(f"nothing is installed here: {deb}")

    def is_interrupted(self) -> tuple[str, ...]:
        return ()


def stanza(fields: Mapping[str, object]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value != "")


class StoredArchive:
    """An archive whose lists are written as if apt had fetched them."""

    def __init__(
        self, root: AptRoot, site: str, suite: str, *, component: str = "main", **release: object
    ) -> None:
        self.root, self.site, self.suite, self.component = root, site, suite, component
        self.release = {"Origin": "Debian", "Label": "Debian", "Suite": suite, "Codename": suite, **release}
        self.uri = f"http://{site}/debian" if site else "file:/srv/debian"
        self.stem = f"{site}_debian" if site else "_srv_debian"

    @property
    def line(self) -> str:
        return f"deb [trusted=yes] {self.uri} {self.suite} {self.component}"

    def write(self, packages: Iterable[Mapping[str, object]], languages: Sequence[str] = ()) -> None:
        """Write Release and indexes; ``languages`` have translations that the test writes itself."""
        lists, stem = self.root.lists_dir, f"{self.stem}_dists_{self.suite}_"
        names = [f"{self.component}/binary-{arch}/Packages" for arch in self.root.architectures]
        listed = [*names, *(f"{self.component}/i18n/Translation-{language}" for language in languages)]
        digests = "".join(f" {'0' * 64} 1 {name}\n" for name in listed)
        (lists / f"{stem}Release").write_text(stanza(self.release) + "SHA256:\n" + digests)
        for architecture, name in zip(self.root.architectures, names, strict=True):
            wanted = (architecture, "all")
            text = "\n".join(stanza(fields) for fields in packages if fields["Architecture"] in wanted)
            (lists / (stem + name.replace("/", "_"))).write_text(text)
