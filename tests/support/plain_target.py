"""A small Debian root for tests of the apt handler: a folder, apt and dpkg, no privileges.

When the tests run as root, every call on it runs as ``nobody``: maintainer scripts without a
chroot must never have uid 0.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from wua.model.enums import TargetKind
from wua.model.plugins import Command, Holder, OsFacts, TargetPaths, TargetSpec
from wua.model.updates import RestartReason
from wua.system.clock import SYSTEM_CLOCK
from wua.system.run import Completed, run

NOBODY: Final = 65534

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
Dir::State::status "{base}/root/var/lib/dpkg/status";
Dir::State::extended_states "{base}/state/extended_states";
Dir::Cache "{base}/cache";
Dir::Cache::archives "{base}/cache/archives";
Dir::Log "{base}/log";
Dir::Log::Planner "{base}/log/eipp.log.xz";
APT::Architecture "amd64";
APT::Architectures {{ {architectures} }};
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "0";
pkgCacheGen::Essential "none";
DPkg::Options {{ "--root={base}/root"; "--force-not-root"; "--force-script-chrootless"; }};
DPkg::Options {{ "--log={base}/log/dpkg.log"; }};
DPkg::Use-Pty "false";
{extra}
"""


class PlainTarget:
    """Implements DebianTarget for a folder. ``base`` belongs to nobody when the tests run as root.

    ``tools``: another Debian in a folder, whose apt and dpkg are used (by chroot in a user namespace).
    """

    clock = SYSTEM_CLOCK

    def __init__(
        self,
        base: Path,
        *,
        architectures: Sequence[str] = ("amd64",),
        config: str = "",
        tools: Path | None = None,
    ) -> None:
        self.base = base
        self.tools = tools
        self.root = base / "root"
        for folder in (
            "etc/apt.conf.d", "etc/sources.list.d", "etc/preferences.d", "state/lists/partial", "log",
            "cache/archives/partial", "root/var/lib/dpkg/info", "root/var/lib/dpkg/updates",
            "root/var/lib/dpkg/triggers", "root/var/lib/dpkg/alternatives", "root/var/lib/dpkg/parts",
            "root/etc", "wua",
        ):  # fmt: skip
            (base / folder).mkdir(parents=True, exist_ok=True)
        for file in ("status", "available"):
            (self.dpkg_dir / file).touch()
        self.architectures = tuple(architectures)
        for foreign in self.architectures[1:]:
            (self.dpkg_dir / "arch").write_text("\n".join([*self.architectures, ""]))
            assert foreign
        text = _CONFIG.format(
            base=base, architectures=" ".join(f'"{name}";' for name in architectures), extra=config
        )
        (base / "etc/apt.conf").write_text(text)
        self._script_problems: dict[str, str] = {}
        self.give_away()

    def give_away(self) -> None:
        """Let the unprivileged user have everything that the test wrote as root."""
        if os.geteuid() == 0:
            for folder, _, files in os.walk(self.base):
                os.chown(folder, NOBODY, NOBODY)
                for name in files:
                    os.chown(os.path.join(folder, name), NOBODY, NOBODY, follow_symlinks=False)

    # what a test sets

    def sources(self, *lines: str) -> None:
        (self.base / "etc/sources.list").write_text("\n".join([*lines, ""]))
        self.do(self.fetch("update"))

    def preferences(self, text: str) -> None:
        (self.base / "etc/preferences").write_text(text)

    def script_problems(self, problems: dict[str, str]) -> None:
        """Say for a package (by name) why its scripts must not run."""
        self._script_problems = problems

    def do(self, command: Command, *, exit_code: int = 0) -> Completed:
        """Run a command and insist on its exit code."""
        done = run(command)
        assert done.exit == exit_code, (command.argv, done)
        return done

    def install(self, *words: str) -> None:
        self.do(self.act("apt-get", "-y", "-q", "--allow-downgrades", "install", *words))

    def status_of(self, qualified: str) -> str:
        """``want eflag status version`` of a package, "" when dpkg does not know it."""
        name, _, architecture = qualified.partition(":")
        words = ("-W", "-f", "${Status} ${Version} ${Architecture}\n", name)
        done = run(self.act("dpkg-query", *words))
        for line in done.stdout.splitlines():
            head, _, arch = line.rpartition(" ")
            if architecture in ("", arch):
                return head
        return ""

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
        return OsFacts("debian", "12", "Debian GNU/Linux 12", "bookworm", "amd64", self.architectures[1:])

    def may_act(self) -> str:
        return ""

    def fingerprint(self) -> str:
        seen = []
        etc = self.base / "etc"
        for path in sorted(
            [self.dpkg_dir / "status", self.extended_states, *self.lists_dir.iterdir(), *etc.rglob("*")]
        ):
            if path.is_file():
                stat = path.stat()
                seen.append((path.name, stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return repr(seen)

    def holders(self) -> tuple[Holder, ...]:
        return ()

    def restart_reasons(self) -> tuple[RestartReason, ...]:
        return ()

    # DebianTarget

    @property
    def dpkg_dir(self) -> Path:
        return self.root / "var/lib/dpkg"

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
        return self._command(tool, words)

    def act(self, tool: str, *words: str) -> Command:
        if tool.startswith("dpkg"):
            options = ["--root=" + str(self.root), f"--admindir={self.dpkg_dir}"]
            if tool == "dpkg":
                options += [
                    "--force-not-root",
                    "--force-script-chrootless",
                    f"--log={self.base}/log/dpkg.log",
                ]
            words = (*options, *words)
        return self._command(tool, words)

    def fetch(self, *words: str) -> Command:
        return self._command("apt-get", words)

    takes_scripts_out = False

    def take_scripts_out(self, deb: Path) -> None:
        raise AssertionError(deb)

    def script_problem(self, deb: Path) -> str:
        return self._script_problems.get(deb.name.partition("_")[0], "")

    def is_interrupted(self) -> tuple[str, ...]:
        left = ["journal"] if any((self.dpkg_dir / "updates").iterdir()) else []
        done = run(self.act("dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Package}:${Architecture}\n"))
        for line in done.stdout.splitlines():
            flags, name = line[:3], line[3:]
            if flags[1] not in "inc" or flags[2] != " ":
                left.append(name)
        return tuple(left)

    def _command(self, tool: str, words: Sequence[str]) -> Command:
        argv = [shutil.which(tool, path=_PATH) or tool, *words]
        if self.tools is not None:
            argv = ["/usr/bin/unshare", "-r", "-m", "/bin/sh", "-ec", _ENTER, str(self.tools), *argv]
        if os.geteuid() == 0:
            self.give_away()
            drop = [
                "/usr/bin/setpriv",
                f"--reuid={NOBODY}",
                f"--regid={NOBODY}",
                "--clear-groups",
                "--no-new-privs",
            ]
            argv = [*drop, *argv]
        env = {
            "PATH": _PATH,
            "APT_CONFIG": str(self.base / "etc/apt.conf"),
            "LC_ALL": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
            "HOME": str(self.base),
        }
        return Command(tuple(argv), env, cwd=str(self.base))


_ENTER: Final = """
for folder in tmp dev proc; do mount --rbind /$folder "$0/$folder"; done
exec /usr/sbin/chroot "$0" "$@"
"""
_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"


@contextmanager
def plain_target(
    *, architectures: Sequence[str] = ("amd64",), config: str = "", tools: Path | None = None
) -> Iterator[PlainTarget]:
    """A fresh root in a folder that any user can reach; it goes with the block."""
    base = Path(tempfile.mkdtemp(prefix="wua-root-"))
    base.chmod(0o755)
    try:
        yield PlainTarget(base, architectures=architectures, config=config, tools=tools)
    finally:
        shutil.rmtree(base)
