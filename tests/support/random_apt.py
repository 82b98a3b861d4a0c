"""Random apt configurations, the same for the same seed: archives, pins, status, options."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.apt_root import AptRoot, StoredArchive, stanza

NAMES = ("foo", "foo-data", "libbar1", "libbar-dev", "baz", "qux+x", "gnome-a", "kde2")
VERSIONS = ("1.0", "1.0-1", "1.0-1+deb12u1", "1:0.5", "2.0~rc1", "2.0", "2.0-1", "10", "2.0+b1", "9~")
SITES = ("deb.example", "ftp.de.example", "local.test", "")
SUITES = ("stable", "stable-security", "testing", "backports", "stable-updates")
LABELS = ("Debian", "Debian-Security", "Backports", "Local Stuff")
ORIGINS = ("Debian", "Elsewhere")
STATES = (
    "install ok installed", "install ok installed", "install ok installed", "hold ok installed",
    "deinstall ok config-files", "install ok half-configured", "install ok unpacked",
    "install reinstreq half-installed", "unknown ok not-installed", "install ok triggers-pending",
)  # fmt: skip
PRIORITIES = (
    "-1", "-10", "1", "50", "99", "100", "101", "400", "500", "501", "990", "999", "1000", "1001", "never",
)  # fmt: skip
PACKAGE_WORDS = (
    "*", "*", "foo", "foo libbar1", "foo*", "/^lib/", "src:foo", "src:lib*", "baz:any", "foo:i386",
    "baz:amd64", "/a$/", "kde?", "src:foo:any", "lib*:any", "[fg]*", "nothing", "/bar|qux/", "*-data", "FOO",
    "/FOO/",
)  # fmt: skip
PIN_WORDS = (
    "version 1.0*", "version 2.0", "version *", "version 2.*", "version /^1/", "version 1:0.5", "version 9~",
    "release a=stable", "release n=testing", "release stable", "release o=Debian", "release o=Elsewhere",
    "release l=Debian-Security", "release l=Local Stuff", "release a=stable, v=12", "release v=12*",
    "release 12", "release 12.5", "release a=now", "release *", "release c=main", "release c=contrib",
    "release b=i386", "release a=stable*", "release a=/stable/", "release n=STABLE", "release v=12",
    "release o=Debian,l=Debian", "release a=stable,n=testing", "release x=1", "release stable-*",
    "release a=testing ,o=Debian", 'origin ""', "origin deb.example", 'origin "deb.example"',
    "origin *.example", "origin local.test", "origin /de/",
)  # fmt: skip
DEFAULTS = ("stable", "testing", "12", "12*", "/^stable(|-security)$/", "a=stable", "n=backports", "stable*")


class World:
    """A configuration; everything follows from the seed."""

    def __init__(self, base: Path, seed: int) -> None:
        self.dice = dice = random.Random(seed)
        foreign = dice.random() < 0.4
        config = [f'APT::Machine-ID "{seed:032x}";'] if dice.random() < 0.7 else []
        self.archives: list[StoredArchive] = []
        if dice.random() < 0.15:
            config.append('APT::Get::Always-Include-Phased-Updates "true";')
        if dice.random() < 0.1:
            config.append('APT::Get::Never-Include-Phased-Updates "1";')
        if dice.random() < 0.15:
            config.append('APT::Get::Phase-Policy "1";')
        if dice.random() < 0.1:
            config.append('Dir::Bin::ischroot "/bin/true";')
        self.root = AptRoot(base, architectures=("amd64", "i386") if foreign else ("amd64",))
        packages = [self._archive() for _ in range(dice.randint(1, 4))]
        if dice.random() < 0.3:
            config.append(f'APT::Default-Release "{dice.choice(DEFAULTS)}";')
        self.root.config("\n".join(config))
        self.root.sources(*dict.fromkeys(archive.line for archive in self.archives))
        for number in range(dice.choice((0, 0, 1, 1, 2))):
            name = dice.choice(("", "10-a", "20.pref", "b_c.pref", "no.txt", "dir.d.pref")) if number else ""
            self.root.preferences(self._preferences(), name)
        self.root.status(*self._status(packages))

    def _archive(self) -> Sequence[Mapping[str, object]]:
        dice = self.dice
        release: dict[str, object] = {
            "Label": dice.choice(LABELS),
            "Origin": dice.choice(ORIGINS),
            "Version": dice.choice(("", "12", "12.5", "13")),
        }
        if dice.random() < 0.3:
            release["NotAutomatic"] = "yes"
            if dice.random() < 0.5:
                release["ButAutomaticUpgrades"] = "yes"
        suite = dice.choice(SUITES)
        release["Codename"] = dice.choice((suite, "testing", ""))
        component = dice.choice(("main", "main", "contrib"))
        archive = StoredArchive(self.root, dice.choice(SITES), suite, component=component, **release)
        packages = [self._package() for _ in range(dice.randint(0, 14))]
        archive.write(packages)
        self.archives.append(archive)
        return packages

    def _package(self) -> dict[str, object]:
        dice = self.dice
        name, version = dice.choice(NAMES), dice.choice(VERSIONS)
        source = dice.choice(("", "", "foo", "libbar", "foo (3.1)"))
        architectures = ["amd64", "amd64", "all", *self.root.architectures[1:], "armel"]
        digest = f"{dice.getrandbits(20):064x}"
        return {
            "Package": name,
            "Source": source,
            "Version": version,
            "Architecture": dice.choice(architectures),
            "Depends": dice.choice(("", "", "libc6")),
            "Phased-Update-Percentage": dice.choice(("", "", "", "", "0", "10", "50", "90", "100")),
            "Filename": f"pool/{name}_{version}.deb",
            "Size": dice.randint(1, 5000) if dice.random() < 0.3 else 1000,
            "SHA256": digest,
            "Description": "a package",
        }

    def _status(self, archives: Sequence[Sequence[Mapping[str, object]]]) -> list[str]:
        """Some packages of the archives and some of nowhere, in every state."""
        dice = self.dice
        everything = [package for packages in archives for package in packages]
        chosen: dict[tuple[object, bool], str] = {}
        for _ in range(dice.randint(0, 8)):
            known = dice.choice(everything) if everything and dice.random() < 0.7 else self._package()
            if known["Architecture"] == "armel":
                continue
            state = dice.choice(STATES)
            fields = {
                "Package": known["Package"],
                "Status": state,
                "Source": known["Source"],
                "Version": "" if "not-installed" in state else known["Version"],
                "Architecture": known["Architecture"],
                "Depends": known["Depends"] if dice.random() < 0.8 else "other",
                "Maintainer": "Tests",
                "Description": "a package",
            }
            chosen[known["Package"], known["Architecture"] == "i386"] = stanza(fields)
        return list(chosen.values())

    def _preferences(self) -> str:
        dice = self.dice
        records = []
        for _ in range(dice.randint(1, 4)):
            package, priority = dice.choice(PACKAGE_WORDS), dice.choice(PRIORITIES)
            if priority == "never" and package != "*":
                priority = "-5"
            record = {"Package": package, "Pin": dice.choice(PIN_WORDS), "Pin-Priority": priority}
            comment = dice.choice(("", "", "# a comment\n", "Explanation: why\n"))
            records.append(comment + stanza(record))
        return "\n".join(records)
