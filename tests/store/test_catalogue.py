"""The catalogue: searching, marks, revisions, and what happens to a damaged file."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.support import small_disk

from wua.model.enums import DeploymentAction, UpdateType
from wua.model.identity import deb_update_id
from wua.model.problems import WuaError
from wua.model.updates import Category, Offer
from wua.store.catalogue import Catalogue
from wua.store.catalogue_schema import COLUMNS, FORMAT, OFFER_COLUMNS
from wua.store.catalogue_writer import Row

ONE = Category("0fa1201d-4330-4fa8-8ae9-b877473b6441", "Security Updates", "UpdateClassification")
TWO = Category("cd5ffd1e-e932-4e3a-bf74-18bf0b1bbd83", "Updates", "UpdateClassification")


def row(name: str, version: str = "1", *, sha256: bytes = b"s" * 32, **fields: Any) -> Row:
    values: dict[str, Any] = {
        "update_id": deb_update_id(name, "amd64", version),
        "revision": 1,
        "title": f"{name} {version} (amd64)",
        "name": name,
        "version": version,
        "architecture": "amd64",
        "installed_version": "",
        "type": 1,
        "deployment_action": 4,
        "installed": 0,
        "hidden": 0,
        "mandatory": 0,
        "browse_only": 1,
        "auto_select": 0,
        "downloaded": 0,
        "uninstallable": 0,
        "reboot_required": 0,
        "size": 100,
        "origin": "Debian",
        "reason": "not installed",
        "category_ids": 1,
        "offered": 1,
        "held": 0,
        "sha256": sha256,
        "source": 1,
        **fields,
    }
    return tuple(values[column] for column in COLUMNS)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    made = Catalogue(tmp_path / "state" / "catalogue.db")
    with made.writing() as writer:
        assert writer.category_set((ONE, TWO)) == 1
        assert writer.category_set((TWO,)) == 2
        assert writer.category_set((ONE, TWO)) == 1
    yield made
    made.close()


def fill(catalogue: Catalogue, *rows: Row) -> None:
    with catalogue.writing() as writer:
        writer.replace_all(rows)


def names(catalogue: Catalogue, where: str = "", *params: object) -> set[str]:
    return {offer.name for offer in catalogue.search(where, params)}


def test_a_row_becomes_the_offer_that_it_is(catalogue: Catalogue) -> None:
    fill(catalogue, row("a", deployment_action=3, size=7))
    (offer,) = catalogue.search("name = ?", ("a",))
    assert offer == Offer(
        update_id=deb_update_id("a", "amd64", "1"), revision=1, title="a 1 (amd64)", name="a", version="1",
        architecture="amd64", installed_version="", type=UpdateType.SOFTWARE,
        deployment_action=DeploymentAction.DETECTION, installed=0, hidden=0, mandatory=0, browse_only=1,
        auto_select=0, downloaded=0, uninstallable=0, reboot_required=0, size=7, origin="Debian",
        reason="not installed", category_ids=(ONE.id, TWO.id),
    )  # fmt: skip
    assert type(offer.deployment_action) is DeploymentAction
    assert type(offer.type) is UpdateType


def test_columns_begin_with_the_fields_of_an_offer() -> None:
    assert COLUMNS[: len(OFFER_COLUMNS)] == Offer.__struct_fields__


def test_search_count_order_and_limit(catalogue: Catalogue) -> None:
    fill(catalogue, *(row(name, size=size) for name, size in (("c", 1), ("a", 2), ("b", 3))))
    assert [offer.name for offer in catalogue.search("size > ?", (1,), order="name")] == ["a", "b"]
    assert [offer.name for offer in catalogue.search(order="size DESC", limit=1)] == ["b"]
    assert catalogue.search("size > ?", (9,)) == []
    assert (catalogue.count(), catalogue.count("size > ?", (1,))) == (3, 2)


def test_what_is_not_offered_is_known_all_the_same(catalogue: Catalogue) -> None:
    fill(catalogue, row("a", "1", offered=0), row("a", "2"))
    assert [offer.version for offer in catalogue.search("1 OR 1")] == ["2"]
    known = catalogue.known_by("name", ["a"])
    assert {(each.offer.version, each.offered, each.sha256) for each in known} == {
        ("1", False, (b"s" * 32).hex()),
        ("2", True, (b"s" * 32).hex()),
    }


def test_categories(catalogue: Catalogue) -> None:
    fill(catalogue, row("a"), row("b", category_ids=2))
    assert names(catalogue, catalogue.in_category(), ONE.id) == {"a"}
    assert names(catalogue, catalogue.in_category(), TWO.id) == {"a", "b"}
    members = "offers.update_id IN (SELECT update_id FROM offer_categories WHERE category_id = ?)"
    assert names(catalogue, members, ONE.id) == {"a"}
    assert catalogue.categories() == (ONE, TWO)


def test_packages_are_replaced_by_name(catalogue: Catalogue) -> None:
    fill(catalogue, row("a"), row("b"), row("c"))
    with catalogue.writing() as writer:
        writer.replace_names({"a", "c", "new"}, [row("a", "2"), row("new")])
    assert {(offer.name, offer.version) for offer in catalogue.search()} == {
        ("a", "2"),
        ("b", "1"),
        ("new", "1"),
    }


def test_a_failed_transaction_leaves_everything_as_it_was(catalogue: Catalogue) -> None:
    fill(catalogue, row("a"))

    def rows_that_fail() -> Iterator[Row]:
        yield row("b")
        raise ZeroDivisionError

    def fail() -> None:
        with catalogue.writing() as writer:
            writer.put("key", b"value")
            writer.replace_all(rows_that_fail())

    with pytest.raises(ZeroDivisionError):
        fail()
    assert names(catalogue) == {"a"}
    assert catalogue.get("key") is None


# revisions


def revisions(catalogue: Catalogue) -> dict[str, int]:
    return {offer.name: offer.revision for offer in catalogue.search()}


def test_other_content_of_a_version_is_its_next_revision(catalogue: Catalogue) -> None:
    fill(catalogue, row("a"), row("b"))
    fill(catalogue, row("a", sha256=b"t" * 32), row("b"))
    assert revisions(catalogue) == {"a": 2, "b": 1}
    with catalogue.writing() as writer:
        writer.replace_names({"a"}, [row("a", sha256=b"u" * 32)])
    assert revisions(catalogue) == {"a": 3, "b": 1}
    fill(catalogue, row("a", sha256=b"u" * 32), row("b"))
    assert revisions(catalogue) == {"a": 3, "b": 1}


@pytest.mark.parametrize("way", ["all", "names"])
def test_revisions_outlast_absence(catalogue: Catalogue, way: str) -> None:
    def put(*rows: Row) -> None:
        with catalogue.writing() as writer:
            if way == "all":
                writer.replace_all(rows)
            else:
                writer.replace_names({"a"}, rows)

    put(row("a"))
    put(row("a", sha256=b"t" * 32))
    put()
    put(row("a", sha256=b"t" * 32))
    assert revisions(catalogue) == {"a": 2}
    put()
    put(row("a"))
    assert revisions(catalogue) == {"a": 3}


def test_a_version_that_is_only_installed_keeps_its_revision(catalogue: Catalogue) -> None:
    fill(catalogue, row("a"))
    fill(catalogue, row("a", sha256=b"", installed=1))
    assert revisions(catalogue) == {"a": 1}
    fill(catalogue, row("a"))
    assert revisions(catalogue) == {"a": 1}
    fill(catalogue, row("a", sha256=b"", installed=1))
    fill(catalogue, row("a", sha256=b"t" * 32))
    assert revisions(catalogue) == {"a": 2}


# marks


def test_hidden_marks_come_and_go_and_holds_stay(catalogue: Catalogue) -> None:
    fill(catalogue, row("a"), row("b"), row("held", held=1, hidden=1), row("here", installed=1))
    everything = {offer.update_id for offer in catalogue.search()}
    with catalogue.writing() as writer:
        writer.mark("hidden", everything - {deb_update_id("b", "amd64", "1")})
    assert names(catalogue, "hidden = 1") == {"a", "held"}  # what is installed is not hidden
    with catalogue.writing() as writer:
        writer.mark("hidden", {deb_update_id("b", "amd64", "1")})
    assert names(catalogue, "hidden = 1") == {"b", "held"}
    with catalogue.writing() as writer:
        writer.mark("hidden", ())
    assert names(catalogue, "hidden = 1") == {"held"}


@pytest.mark.parametrize("column", ["downloaded", "uninstallable"])
def test_other_marks(catalogue: Catalogue, column: str) -> None:
    fill(catalogue, row("a", **{column: 1}), row("b"))
    with catalogue.writing() as writer:
        writer.mark(column, {deb_update_id("b", "amd64", "1"), "unknown"})
    assert names(catalogue, f"{column} = 1") == {"b"}


# the file


def test_a_file_that_is_no_database_is_made_anew_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    path.write_bytes(b"this is no database" * 1000)
    catalogue = Catalogue(path)
    (note,) = catalogue.take_notes()
    assert str(path) in note
    assert catalogue.search() == []
    assert catalogue.take_notes() == ()
    catalogue.close()


def test_another_format_is_made_anew_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    Catalogue(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version={FORMAT + 1}")
    db.close()
    catalogue = Catalogue(path)
    assert f"format {FORMAT + 1}" in catalogue.take_notes()[0]
    assert catalogue.search() == []
    catalogue.close()


def test_pages_that_were_overwritten_are_found_when_read(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    catalogue = Catalogue(path)
    with catalogue.writing() as writer:
        writer.category_set((ONE,))
        writer.replace_all(row(f"p{n}") for n in range(3000))
    catalogue.close()
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (path.stat().st_size - 8192))
    catalogue = Catalogue(path)
    with pytest.raises(WuaError) as raised:
        catalogue.search("size > 0")
    assert raised.value.problem.id == "catalogue-damaged"
    assert catalogue.search() == []
    assert catalogue.take_notes()
    catalogue.close()


def test_an_import_gives_back_the_disk_of_its_log(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "catalogue.db")
    log = tmp_path / "catalogue.db-wal"
    fill(catalogue, *(row(f"p{n}") for n in range(20_000)))
    assert log.stat().st_size == 0
    with closing(sqlite3.connect(catalogue.path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM offers").fetchone()
        fill(catalogue, *(row(f"q{n}") for n in range(20_000)))  # and doesn't wait for the reader
        assert log.stat().st_size > 4_000_000
    fill(catalogue, row("r"))
    assert log.stat().st_size == 0
    catalogue.close()


FILL = """
import sys
from pathlib import Path
from tests.store.test_catalogue import ONE, fill, names, row
from wua.model.problems import WuaError
from wua.store.catalogue import Catalogue
catalogue = Catalogue(Path(sys.argv[1]) / "catalogue.db")
with catalogue.writing() as writer:
    writer.category_set((ONE,))
fill(catalogue, row("a"))
try:
    fill(catalogue, *(row(f"p{n}") for n in range(20_000)))
except WuaError as failure:
    print(failure.problem.id)
print(names(catalogue))
"""


def test_a_full_disk_is_named_and_the_offers_of_before_stay(tmp_path: Path) -> None:
    words = [sys.executable, "-c", FILL, str(tmp_path)]
    done = subprocess.run(
        [sys.executable, small_disk.__file__, "600", str(tmp_path), *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if done.returncode == small_disk.UNAVAILABLE:
        pytest.skip("no mounts without privileges here")
    assert (done.stdout, done.stderr) == ("disk-full\n{'a'}\n", "")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WuaError) as raised:
        Catalogue(tmp_path / "file" / "catalogue.db")
    assert raised.value.problem.id == "store-unwritable"


_WRITE = """
import sys
from pathlib import Path
from wua.store.catalogue import Catalogue
catalogue = Catalogue(Path(sys.argv[1]))
for n in range(40):
    with catalogue.writing() as writer:
        count = int(catalogue.get("count") or b"0")
        writer.put("count", str(count + 1).encode())
catalogue.close()
"""


def test_writers_of_several_processes_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    running = [subprocess.Popen([sys.executable, "-c", _WRITE, str(path)]) for _ in range(3)]
    assert [each.wait(60) for each in running] == [0, 0, 0]
    catalogue = Catalogue(path)
    assert catalogue.get("count") == b"120"
    catalogue.close()


def test_sources_keep_their_number(catalogue: Catalogue) -> None:
    with catalogue.writing() as writer:
        one = writer.put_source("apt", "a", b"1")
        two = writer.put_source("apt", "b", b"2")
        assert writer.put_source("apt", "a", b"3") == one != two
        assert writer.sources("apt") == {"a": one, "b": two}
        writer.drop_source(two)
    assert catalogue.source_data(one) == b"3"
    assert catalogue.source_data(two) == b""
