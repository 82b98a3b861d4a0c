"""Phased updates: wua shows those as known only (Detection) that ``apt-get upgrade`` keeps back."""

import re
from pathlib import Path

import pytest
from tests.support.apt_compare import synchronised
from tests.support.apt_root import AptRoot, StoredArchive, stanza

from wua.model.enums import DeploymentAction
from wua.system.run import run

pytestmark = pytest.mark.usefixtures("whose_apt")
PERCENTS = range(0, 101, 4)
_KEPT = re.compile(r"kept back:\n((?:  .*\n)+)|deferred due to phasing:\n((?:  .*\n)+)")


def package(name: str, version: str, **fields: object) -> dict[str, object]:
    return {
        "Package": name,
        "Version": version,
        "Architecture": "all",
        "Maintainer": "Tests",
        "Filename": f"{name}.deb",
        "Size": 10,
        "SHA256": "1" * 64,
        "Description": "a package",
        **fields,
    }


def installed(name: str) -> str:
    fields = {
        "Package": name,
        "Status": "install ok installed",
        "Maintainer": "Tests",
        "Architecture": "all",
        "Version": "1",
        "Description": "a package",
    }
    return stanza(fields)


def phased_root(folder: Path, config: str) -> AptRoot:
    """Every package is installed and has a phased update; some have a source of another name and version."""
    root = AptRoot(folder / "root", config=config)
    updates = StoredArchive(root, "deb.example", "stable-updates")
    root.sources(updates.line)
    updates.write(
        [
            package(f"p{percent}{letter}", "2", **{"Source": source, "Phased-Update-Percentage": percent})
            for percent in PERCENTS
            for letter, source in (("a", ""), ("b", "other"), ("c", f"src{percent} (3:1.5-1)"))
        ]
    )
    root.status(*(installed(f"p{percent}{letter}") for percent in PERCENTS for letter in "abc"))
    return root


def kept_back(root: AptRoot) -> set[str]:
    done = run(root.apt("apt-get", "-s", "upgrade"))
    assert done.exit == 0, done.stderr
    return {name for found in _KEPT.findall(done.stdout) for words in found for name in words.split()}


@pytest.mark.parametrize(
    "config",
    [
        'APT::Machine-ID "3d1219c7c4c5404aaa1f6d2a48adfda4";',
        'APT::Machine-ID "00000000000000000000000000000001";',
        'APT::Machine-ID "aé";',
        'APT::Machine-ID "1"; APT::Get::Always-Include-Phased-Updates "yes";',
        'APT::Machine-ID "1"; APT::Get::Never-Include-Phased-Updates "1";',
        'APT::Machine-ID "1"; Update-Manager::Never-Include-Phased-Updates "true";',
        "",
        'APT::Machine-ID "1"; Dir::Bin::ischroot "/bin/true";',
        'APT::Machine-ID "1"; Dir::Bin::ischroot "/bin/true"; APT::Get::Never-Include-Phased-Updates "1";',
        'APT::Get::Always-Include-Phased-Updates "1"; APT::Get::Never-Include-Phased-Updates "1";',
    ],
)
def test_phased_updates_are_those_that_apt_keeps_back(tmp_path: Path, config: str) -> None:
    root = phased_root(tmp_path, config)
    compared = synchronised(root, tmp_path)
    detected = {
        offer.name
        for offer in compared.catalogue.search("installed = 0")
        if offer.deployment_action is DeploymentAction.DETECTION
    }
    assert detected == kept_back(root)
    assert compared.catalogue.count("installed = 0") == 3 * len(PERCENTS)
    compared.catalogue.close()


@pytest.mark.parametrize("differing", ["Size", "SHA256"])
@pytest.mark.parametrize("first_phased", [True, False])
def test_of_two_contents_of_a_version_one_is_phased(
    tmp_path: Path, differing: str, first_phased: bool
) -> None:
    """Where apt has two versions of the number, the phasing of one is not the other's."""
    root = AptRoot(tmp_path / "root", config='APT::Machine-ID "1";')
    archives = [StoredArchive(root, f"{name}.example", "stable") for name in ("one", "two")]
    root.sources(*(archive.line for archive in archives))
    for place, archive in enumerate(archives):
        values = {"Size": 10 + place} if differing == "Size" else {"SHA256": f"{place}" * 64}
        phased = {"Phased-Update-Percentage": 0} if first_phased == (place == 0) else {}
        archive.write([package("a", "2", **values, **phased)])
    root.status(installed("a"))
    compared = synchronised(root, tmp_path)
    (offer,) = compared.catalogue.search("installed = 0")
    assert kept_back(root) == ({"a"} if offer.deployment_action is DeploymentAction.DETECTION else set())
    compared.catalogue.close()


def test_a_machine_id_file_beside_apts_folder_counts(tmp_path: Path) -> None:
    root = phased_root(tmp_path, "")
    (root.base / "machine-id").write_text("3d1219c7c4c5404aaa1f6d2a48adfda4\n")
    compared = synchronised(root, tmp_path)
    late = compared.catalogue.search("deployment_action = ?", (DeploymentAction.DETECTION.value,))
    assert {offer.name for offer in late} == kept_back(root) != set()
    compared.catalogue.close()
