"""Details, verdicts, names and the handler's look-ups."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apt_compare import Compared, Memory, synchronised
from tests.support.apt_root import AptRoot, StoredArchive, stanza
from tests.support.codecs import lz4

from wua.model.identity import deb_update_id
from wua.model.problems import WuaError
from wua.model.updates import Reason, Update, UpdateId
from wua.services.apt import SERVICE, lookup

MD5 = "0123456789abcdef0123456789abcdef"


def package(
    name: str, version: str = "1", architecture: str = "amd64", **fields: object
) -> dict[str, object]:
    content = f"{name} {version} {architecture} {fields}"
    return {
        "Package": name,
        "Version": version,
        "Architecture": architecture,
        "Installed-Size": 12,
        "Depends": "libc6 (>= 2)",
        "Homepage": f"https://{name}.example/",
        "Filename": f"pool/{name}_{version}_{architecture}.deb",
        "Size": 1000 + len(name),
        "SHA256": hashlib.sha256(content.encode()).hexdigest(),
        "Description": f"the {name} package",
        **fields,
    }


def record(name: str, version: str = "1", status: str = "install ok installed", **fields: object) -> str:
    given = {"Package": name, "Status": status, "Version": version, "Architecture": "amd64"}
    return stanza({**given, "Description": "short\n long\n .\n last", **fields})


def make_root(folder: Path) -> AptRoot:
    root = AptRoot(folder / "root", architectures=("amd64", "i386"), config='APT::Machine-ID "1";')
    main = StoredArchive(root, "deb.example", "stable", Date="Sat, 15 Aug 2026 10:00:00 UTC")
    security = StoredArchive(root, "deb.example", "stable-security", Label="Debian-Security")
    backports = StoredArchive(
        root, "deb.example", "backports", Label="Extra", NotAutomatic="yes", ButAutomaticUpgrades="yes"
    )
    root.sources(main.line, security.line, backports.line)
    main.write(
        [
            package("tool", "1", Source="toolbox (0.9)", **{"Description-md5": MD5}),
            package("tool", "1.5"),
            package("lib", "2", "i386"),
            package("lib", "2"),
            package("data", "1", "all"),
            package("base", "2", Essential="yes"),
            package("late", "2", **{"Phased-Update-Percentage": 0}),
            package("pinned", "2"),
            package("twice", "3"),
        ],
        languages=("de", "en"),
    )
    security.write([package("base", "2.1", Essential="yes"), package("twice", "3", Depends="other")])
    backports.write([package("tool", "9")])
    root.status(
        record("tool", "1"),
        record("base", "2"),
        record("late", "1"),
        record("pinned", "1", "hold ok installed"),
        record("gone", "7", Homepage="https://gone.example/"),
        record("removed", "1", "deinstall ok config-files"),
    )
    root.preferences("Package: pinned\nPin: version 2\nPin-Priority: 600\n")
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> AptRoot:
    return make_root(tmp_path_factory.mktemp("questions"))


@pytest.fixture(scope="module")
def memory() -> Memory:
    return Memory()


@pytest.fixture(scope="module")
def apt(root: AptRoot, memory: Memory) -> Iterator[Compared]:
    made = synchronised(root, root.base, memory)
    assert made.warnings == ()
    yield made
    made.catalogue.close()


def update(apt: Compared, name: str) -> Update:
    (found,) = apt.service.details(apt.service.resolve([name]))
    return found


def reasons(apt: Compared, name: str, aspect: str) -> list[Reason]:
    (wanted,) = apt.service.resolve([name])
    return [reason for reason in apt.service.verdict(wanted).reasons if reason.aspect == aspect]


# names


@pytest.mark.parametrize(
    ("text", "name", "architecture", "version"),
    [
        ("tool", "tool", "amd64", "1.5"),  # what would be installed, not what is
        ("tool=1", "tool", "amd64", "1"),
        ("tool=9", "tool", "amd64", "9"),  # known, and not offered
        ("tool:amd64=1.5", "tool", "amd64", "1.5"),
        ("lib", "lib", "amd64", "2"),
        ("lib:i386", "lib", "i386", "2"),
        ("data", "data", "all", "1"),
        ("data:amd64", "data", "all", "1"),
        ("gone", "gone", "amd64", "7"),
        (deb_update_id("tool", "amd64", "1"), "tool", "amd64", "1"),
        ("{" + deb_update_id("tool", "amd64", "1").upper() + "}/1", "tool", "amd64", "1"),
    ],
)
def test_names(apt: Compared, text: str, name: str, architecture: str, version: str) -> None:
    assert apt.service.resolve([text]) == (UpdateId(deb_update_id(name, architecture, version)),)


def test_names_in_the_order_asked(apt: Compared) -> None:
    ids = apt.service.resolve(["gone", "tool", "gone"])
    assert [found.name for found in apt.service.details(ids)] == ["gone", "tool", "gone"]


@pytest.mark.parametrize(
    "text", ["nothing", "tool=3", "tool:i386", deb_update_id("x", "all", "1"), "removed", ""]
)
def test_names_that_nobody_knows(apt: Compared, text: str) -> None:
    with pytest.raises(WuaError) as raised:
        apt.service.resolve(["tool", text])
    assert (raised.value.problem.id, raised.value.problem.seen) == ("unknown-update", text)


# details


def test_details_of_a_version_from_an_index(apt: Compared) -> None:
    found = update(apt, "tool=1.5")
    digest = package("tool", "1.5")["SHA256"]
    (file,) = found.files
    assert (file.name, file.size, file.sha256) == ("tool_1.5_amd64.deb", 1004, digest)
    assert file.urls == ("http://deb.example/debian/pool/tool_1.5_amd64.deb",)
    assert (found.title, found.description) == ("tool 1.5 (amd64)", "the tool package")
    assert (found.service_id, found.handler, found.installed_size) == (SERVICE.id, "apt", 12 * 1024)
    assert found.more_info_urls == ("https://tool.example/", "https://tracker.debian.org/pkg/tool")
    assert found.superseded_ids == (deb_update_id("tool", "amd64", "1"),)
    assert found.published == 1786788000.0
    assert found.fields["Depends"] == "libc6 (>= 2)"
    assert (found.severity, found.cve_ids) == ("", ())


def test_details_name_the_source_package(apt: Compared) -> None:
    assert update(apt, "tool=1").more_info_urls[1] == "https://tracker.debian.org/pkg/toolbox"


def test_details_of_what_only_dpkg_knows(apt: Compared) -> None:
    found = update(apt, "gone")
    assert (found.files, found.published, found.support_url) == ((), 0.0, "")
    assert found.description == "short\nlong\n\nlast"
    assert found.more_info_urls == ("https://gone.example/",)


def test_categories_of_offer_and_details_agree(apt: Compared) -> None:
    offers = {offer.id: offer for offer in apt.catalogue.search()}
    for found in apt.service.details(list(offers)):
        assert found.category_ids == offers[found.id].category_ids
    names = {category.id: category.name for category in apt.catalogue.categories()}
    classes = {found.name: names[found.category_ids[1]] for found in apt.service.details(list(offers))}
    assert classes == {
        "tool": "Updates", "lib": "Applications", "data": "Applications", "base": "Security Updates",
        "late": "Updates", "pinned": "Updates", "twice": "Applications", "gone": "Updates",
    }  # fmt: skip


def test_long_descriptions_come_from_the_translation(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    root.config('#clear Acquire::Languages;\nAcquire::Languages { "de"; "en"; };')
    for language, text in (("de", "lang"), ("en", "long")):
        entry = (
            f"Package: tool\nDescription-md5: {MD5}\nDescription-{language}: the tool\n {text}\n .\n end\n\n"
        )
        name = f"deb.example_debian_dists_stable_main_i18n_Translation-{language}.lz4"
        (root.lists_dir / name).write_bytes(lz4(entry.encode()))
    compared = synchronised(root, tmp_path)
    assert update(compared, "tool=1").description == "the tool\nlang\n\nend"
    assert update(compared, "tool=1.5").description == "the tool package"
    compared.catalogue.close()


def test_unknown_updates_have_no_details(apt: Compared) -> None:
    (known,) = apt.service.resolve(["tool"])
    for wrong in (UpdateId("00000000-0000-0000-0000-000000000000"), UpdateId(known.update_id, 2)):
        with pytest.raises(WuaError) as raised:
            apt.service.details([known, wrong])
        assert raised.value.problem.id == "unknown-update"


# verdicts


def test_a_verdict_says_what_is_there_and_what_apt_would_take(apt: Compared, root: AptRoot) -> None:
    (installed,) = reasons(apt, "tool", "installed")
    assert (installed.value, installed.source) == ("1", str(root.dpkg_dir / "status"))
    (candidate,) = reasons(apt, "tool", "candidate")
    assert candidate.value == "1.5"
    assert "priority 500" in candidate.text
    (source,) = reasons(apt, "tool", "source")
    assert "stable/main" in source.text
    assert source.source.endswith("_stable_main_binary-amd64_Packages")


def test_not_automatic(apt: Compared) -> None:
    (source,) = reasons(apt, "tool=9", "source")
    assert "priority 100 that is not used automatically" in source.text
    (excluded,) = reasons(apt, "tool=9", "excluded")
    assert "apt prefers 1.5" in excluded.text


def test_held_and_pinned(apt: Compared, root: AptRoot) -> None:
    (held,) = reasons(apt, "pinned", "held")
    assert held.value == "1"
    assert [reason.source for reason in reasons(apt, "pinned", "hidden")] == [str(root.dpkg_dir / "status")]
    (pin,) = reasons(apt, "pinned", "pinned")
    assert (pin.value, pin.source) == ("600", f"{root.base}/etc/preferences:1")


def test_hidden_by_wua(apt: Compared, memory: Memory) -> None:
    assert reasons(apt, "lib", "hidden") == []
    memory.marks = frozenset({deb_update_id("lib", "amd64", "2")})
    assert [reason.source for reason in reasons(apt, "lib", "hidden")] == ["wua"]
    memory.marks = frozenset()


def test_phased(apt: Compared) -> None:
    (phased,) = reasons(apt, "late", "phased")
    assert phased.value == "0"
    assert "not among them yet" in phased.text


def test_superseded_and_security(apt: Compared) -> None:
    assert [reason.value for reason in reasons(apt, "tool=1", "superseded")] == ["1.5"]
    assert reasons(apt, "tool", "superseded") == []
    assert len(reasons(apt, "base", "security")) == 1
    (wanted,) = apt.service.resolve(["base"])
    offer = apt.service.verdict(wanted).offer
    assert (offer.mandatory, offer.auto_select, offer.reason) == (1, 1, "security upgrade from 2")


def test_in_no_source(apt: Compared) -> None:
    (excluded,) = reasons(apt, "gone", "excluded")
    assert "No source has 7" in excluded.text


def test_why_a_version_is_not_the_candidate(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    record_of = "Package: {}\nPin: version {}\nPin-Priority: {}\n\n".format
    root.preferences(record_of("tool", "1.5", -7) + record_of("data", "*", -1))
    root.status(record("base", "3"))
    compared = synchronised(root, tmp_path)
    (priority,) = reasons(compared, "tool=1.5", "excluded")
    assert "priority -7" in priority.text
    (older,) = reasons(compared, "base=2.1", "excluded")
    assert "older than the installed 3" in older.text
    (candidate,) = reasons(compared, "data=1", "candidate")
    assert candidate.value == ""
    compared.catalogue.close()


def test_where_only_apt_understands_the_pins(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    root.preferences("Package: tool\nPin: release l=/^[[:upper:]]xtra$/\nPin-Priority: 600\n")
    compared = synchronised(root, tmp_path)
    assert len(compared.warnings) == 1
    (candidate,) = reasons(compared, "tool", "candidate")
    assert candidate.value == "9"
    (pinned,) = reasons(compared, "tool", "pinned")
    assert "it was asked" in pinned.text
    compared.catalogue.close()


# the handler's look-ups


def test_packages_by_id(apt: Compared) -> None:
    ids = apt.service.resolve(["tool", "gone", "base"])
    rows = lookup(apt.catalogue).by_id([*ids, UpdateId("00000000-0000-0000-0000-000000000000")])
    tool, gone, base = (rows[each] for each in ids)
    assert len(rows) == 3
    assert (tool.name, tool.version, tool.size, tool.installed_size) == ("tool", "1.5", 1004, 12288)
    assert (tool.filename, tool.origin, tool.essential) == ("pool/tool_1.5_amd64.deb", "Debian", False)
    assert (gone.version, gone.size, gone.sha256, gone.filename) == ("7", 0, "", "")
    assert (base.essential, base.origin) == (True, "Debian-Security")


def test_packages_by_version_with_every_content(apt: Compared) -> None:
    rows = lookup(apt.catalogue).by_version(
        [("twice", "amd64", "3"), ("tool", "amd64", "9"), ("gone", "amd64", "7"), ("tool", "amd64", "8")]
    )
    assert {key: len(found) for key, found in rows.items()} == {
        ("twice", "amd64", "3"): 2, ("tool", "amd64", "9"): 1, ("gone", "amd64", "7"): 1,
    }  # fmt: skip
    assert {row.origin for row in rows["twice", "amd64", "3"]} == {"Debian", "Debian-Security"}
    assert len({row.sha256 for row in rows["twice", "amd64", "3"]}) == 2
