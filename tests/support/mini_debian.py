"""A root that dpkg can run in, made of the host's own programs: no network, a quarter of a second."""

import re
import shutil
import subprocess
from pathlib import Path

from wua.model.enums import TargetKind
from wua.model.plugins import TargetSpec
from wua.targets import sources
from wua.targets.layout import Layout
from wua.targets.namespace import NamespaceRoot, make_skeleton, write_config

PROGRAMS = (
    "sh rm tar diff dpkg dpkg-deb dpkg-split dpkg-query ldconfig start-stop-daemon "
    "touch cat mkdir sleep chown id ls mount unshare chroot kill"
).split()


def create_mini(top: Path, source_text: str) -> NamespaceRoot:
    """A namespace root without packages; what it has is enough for dpkg and small scripts."""
    layout = Layout(top)
    layout.create()
    make_skeleton(layout)
    files = [
        found for name in PROGRAMS if (found := shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin"))
    ]
    for file in (*files, *libraries(files)):
        place = layout.root / Path(file).relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
    for name in ("passwd", "group"):
        shutil.copy(Path("/etc") / name, layout.root / "etc" / name)
    sources.write(layout.etc, source_text)
    write_config(layout)
    layout.hand_over()
    spec = TargetSpec(TargetKind.NAMESPACE_ROOT, str(top))
    layout.write_spec(spec)
    return NamespaceRoot(spec)


def libraries(files: list[str]) -> set[str]:
    """The shared libraries that programs load, the loader among them."""
    done = subprocess.run(["ldd", *files], capture_output=True, text=True, check=False)
    return set(re.findall(r"^\s+(?:\S+ => )?(/\S+) \(0x", done.stdout, re.MULTILINE))
