"""Which maintainer scripts may run without a chroot."""

from pathlib import Path

import pytest

from wua.model.problems import WuaError
from wua.targets import scripts
from wua.testing.debian import Package, build_deb

MAY_RUN = {
    "empty": "#!/bin/sh\nset -e\nexit 0\n",
    "rooted paths": '#!/bin/sh\nmkdir -p "$DPKG_ROOT/var/lib/x"\nrm -f ${DPKG_ROOT:-}/etc/x.conf\n',
    "rooted redirection": '#!/bin/sh\necho one > "$DPKG_ROOT/var/lib/x" 2>/dev/null\n',
    "cases": (
        '#!/bin/sh\ncase "$1" in\n  configure|abort-upgrade)\n    true\n  ;;\n'
        '  *)\n    echo "bad" >&2\n    exit 1\n  ;;\nesac\n'
    ),
    "its own functions": '#!/bin/bash\ngreet() {\n  echo hello\n}\nif [ "$1" = configure ]; then greet; fi\n',
    "programs that know the root": (
        "#!/bin/sh\nupdate-alternatives --install /usr/bin/editor editor /usr/bin/ed \\\n  -100\n"
        'dpkg-maintscript-helper rm_conffile /etc/old 1.0~ -- "$@"\n'
    ),
    "asking the machine": (
        "#!/bin/sh\nif [ -x /usr/bin/foo ] && command -v /usr/bin/foo >/dev/null; then echo yes; fi\n"
    ),
    "debconf": "#!/bin/sh\nset -e\n. /usr/share/debconf/confmodule\ndb_get x/y || true\ndb_stop\n",
    "comments": "#!/bin/sh\n# writes /etc/passwd\ntrue # not /usr/sbin/adduser\n",
    "aware parts of debhelper": (
        "#!/bin/sh\n# Automatically added by dh_installsystemd/13.11.4\n"
        "if [ -d /run/systemd/system ]; then systemctl --system daemon-reload; fi\n"
        "# End automatically added section\n"
    ),
}
MUST_NOT = {
    "a path of the machine": ("#!/bin/sh\nrm -f /etc/localtime\n", "/etc/localtime"),
    "a quoted path": ('#!/bin/sh\ncat "/etc/passwd"\n', "/etc/passwd"),
    "a path in a variable": ("#!/bin/sh\nFILE=/etc/x.conf\necho one\n", "/etc/x.conf"),
    "a program that ignores the root": ("#!/bin/sh\nif true; then adduser --system x; fi\n", "adduser"),
    "after a pipe": ("#!/bin/sh\necho x | adduser y\n", "adduser"),
    "after an assignment": ("#!/bin/sh\nLANG=C adduser y\n", "adduser"),
    "in a substitution": ("#!/bin/sh\nX=$(adduser y)\n", "adduser"),
    "a command in a variable": ("#!/bin/sh\n$HELPER now\n", "$HELPER"),
    "an unknown place": ('#!/bin/sh\nrm -rf "$SOMEWHERE"\n', "SOMEWHERE"),
    "a file written to": ('#!/bin/sh\necho x > "$FILE"\n', "writes to a file"),
    "a part of debhelper": (
        (
            "#!/bin/sh\n# Automatically added by dh_python3\npy3compile -p x\n"
            "# End automatically added section\n"
        ),
        "dh_python3",
    ),
    "another language": ("#!/usr/bin/perl\nprint 1;\n", "shell script"),
    "no text at all": ("\x7fELF\x02", "shell script"),
    "a here-document": ("#!/bin/sh\ncat <<E\nhello\nE\n", "here-document"),
}


@pytest.mark.parametrize("text", MAY_RUN.values(), ids=MAY_RUN)
def test_it_may_run(text: str) -> None:
    assert not scripts.judge(text)


@pytest.mark.parametrize(("text", "why"), MUST_NOT.values(), ids=MUST_NOT)
def test_it_must_not_run(text: str, why: str) -> None:
    assert why in scripts.judge(text)


def test_scripts_are_read_from_the_package(tmp_path: Path) -> None:
    deb = tmp_path / "a.deb"
    deb.write_bytes(
        build_deb(Package("a", "1", scripts={"postinst": "#!/bin/sh\nadduser x\n", "prerm": "#!/bin/sh\n"}))
    )
    found = scripts.of_package(deb)
    assert set(found) == {"postinst", "prerm"}
    assert "its postinst runs adduser" in scripts.problem(found)


def test_the_old_versions_scripts_count_too(tmp_path: Path) -> None:
    deb = tmp_path / "a.deb"
    deb.write_bytes(build_deb(Package("a", "2")))
    (tmp_path / "a.postrm").write_text("#!/bin/sh\nrm /etc/x\n")
    assert "installed postrm" in scripts.problem(scripts.of_package(deb, tmp_path))
    assert not scripts.problem(scripts.of_package(deb))


def test_a_file_that_is_no_package_is_refused(tmp_path: Path) -> None:
    deb = tmp_path / "a.deb"
    deb.write_bytes(b"not a package")
    with pytest.raises(WuaError, match="content-mismatch"):
        scripts.of_package(deb)
