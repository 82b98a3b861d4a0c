"""Progress of transactions and downloads: it never falls, never passes 1.0, and ends where the run ends."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from wua.handlers.apt_progress import DownloadReader, TransactionReader, item_of
from wua.handlers.status_lines import parse
from wua.model.plans import Change, Operation, Plan, PlanItem, PlanRequest
from wua.model.plugins import ItemEnd
from wua.model.updates import UpdateId

# recorded from apt 2.6.1
INSTALL = """\
dlstatus:1:0.0000:Retrieving file 1 of 2
dlstatus:2:44.2708:Retrieving file 2 of 2
dlstatus:2:100.0000:Retrieving file 2 of 2
pmstatus:dpkg-exec:0.0000:Running dpkg
pmstatus:b:0.0000:Preparing b (amd64)
pmstatus:b:11.1111:Unpacking b (amd64)
pmstatus:b:22.2222:Installing b (amd64)
pmstatus:a:22.2222:Preparing a (amd64)
pmstatus:a:33.3333:Unpacking a (amd64)
pmstatus:a:44.4444:Installing a (amd64)
pmstatus:dpkg-exec:44.4444:Running dpkg
pmstatus:b:44.4444:Preparing to configure b (amd64)
pmstatus:b:55.5556:Configuring b (amd64)
pmstatus:b:66.6667:Installed b (amd64)
pmstatus:a:66.6667:Preparing to configure a (amd64)
pmstatus:a:77.7778:Configuring a (amd64)
pmstatus:a:88.8889:Installed a (amd64)
""".splitlines()
FAILING = """\
pmstatus:a:44.4444:Preparing to configure a (amd64)
pmconffile:/etc/a.conf:40.0000:'/etc/a.conf' '/etc/a.conf.dpkg-new' 1 1
pmerror:a:55.5556:installed a package post-installation script subprocess returned error exit status 3
pmerror:b:55.5556:dependency problems - leaving unconfigured
""".splitlines()
REMOVE = """\
pmstatus:dpkg-exec:0.0000:Running dpkg
pmstatus:a:0.0000:Preparing for removal of a (amd64)
pmstatus:a:20.0000:Removing a (amd64)
pmstatus:a:40.0000:Removing a (amd64)
pmstatus:b:40.0000:Preparing for removal of b (amd64)
pmstatus:b:60.0000:Removing b (amd64)
pmstatus:b:75.0000:Completely removing b (amd64)
pmstatus:b:87.5000:Completely removed b (amd64)
""".splitlines()


def item(name: str, change: Change = Change.INSTALL, architecture: str = "all", size: int = 100) -> PlanItem:
    file = "" if change in (Change.REMOVE, Change.PURGE) else f"{name}_1_{architecture}.deb"
    return PlanItem(
        UpdateId(name),
        name,
        architecture,
        change,
        "",
        "1",
        True,
        "requested",
        file=file,
        size=size if file else 0,
    )


def plan(*items: PlanItem) -> Plan:
    return Plan(PlanRequest(Operation.INSTALL), "t", "w", 0.0, items)


def test_recorded_install_goes_from_nothing_to_the_end() -> None:
    reader = TransactionReader(plan(item("b"), item("a", architecture="amd64")))
    seen = [reader.feed([line]) for line in INSTALL]
    within = [progress.within for progress, _ in seen]
    assert within == sorted(within)
    assert within[0] == 0.0
    assert within[-1] == 1.0
    assert [end for _, ends in seen for end in ends] == [ItemEnd(0), ItemEnd(1)]
    assert seen[-1][0].text == "Installed a (amd64)"


def test_feeding_at_once_is_the_same_as_line_by_line() -> None:
    one = TransactionReader(plan(item("b"), item("a")))
    other = TransactionReader(plan(item("b"), item("a")))
    for line in INSTALL:
        last = one.feed([line])[0]
    assert other.feed(INSTALL) == (last, (ItemEnd(0), ItemEnd(1)))


def test_recorded_failure_names_each_package() -> None:
    _, ends = TransactionReader(plan(item("b"), item("a"))).feed(FAILING)
    assert [end.item for end in ends] == [1, 0]
    assert ends[0].error.endswith("exit status 3")


def test_recorded_removal_and_purge() -> None:
    reader = TransactionReader(plan(item("a", Change.REMOVE), item("b", Change.PURGE)))
    progress, ends = reader.feed(REMOVE)
    assert progress.within == 1.0
    assert ends == (ItemEnd(0), ItemEnd(1))


def test_two_architectures_of_a_name_are_told_apart() -> None:
    reader = TransactionReader(plan(item("m", architecture="amd64"), item("m", architecture="i386")))
    assert reader.feed(["pmstatus:m:i386:10.0:Installed m:i386 (i386)"])[1] == (ItemEnd(1),)
    assert reader.feed(["pmstatus:m:20.0:Installed m (amd64)"])[1] == (ItemEnd(0),)


def test_an_error_may_name_a_file() -> None:
    items = (item("a"), item("b", architecture="amd64"))
    assert item_of(items, "/var/cache/apt/archives/b_1_amd64.deb") == 1
    assert item_of(items, "/srv/pool/a_1_all.deb") == 0
    assert item_of(items, "b:amd64") == 1
    assert item_of(items, "b:i386") is None
    assert item_of(items, "/srv/pool/c_1_all.deb") is None


def test_a_name_with_an_architecture_is_read_from_the_ends() -> None:
    line = parse("pmstatus:lib:i386:12.5:Unpacking lib:i386 (i386)")
    assert line is not None
    assert (line.name, line.architecture, line.percent, line.step) == ("lib", "i386", 12.5, "Unpacking")


names = st.sampled_from(["a", "b", "c:i386", "dpkg-exec", "/x/a_1_all.deb", ""])
texts = st.sampled_from(
    [
        "Preparing a (amd64)",
        "Unpacking b (amd64)",
        "Installed a (amd64)",
        "Installing c:i386 (i386)",
        "Removing b (x)",
    ]
) | st.text(max_size=20)
lines = st.builds(
    lambda kind, name, percent, text: f"{kind}:{name}:{percent}:{text}",
    st.sampled_from(["pmstatus", "pmerror", "pmconffile", "dlstatus", "other"]),
    names,
    st.floats(0, 150) | st.integers(-5, 300),
    texts,
) | st.text(max_size=30)
plans = st.lists(
    st.builds(item, st.sampled_from(["a", "b", "c"]), st.sampled_from(list(Change)), size=st.integers(0, 9)),
    max_size=5,
).map(lambda items: plan(*items))


@given(plans, st.lists(st.sampled_from(INSTALL + FAILING + REMOVE) | lines, max_size=60))
def test_never_falls_and_never_passes_one(made: Plan, said: list[str]) -> None:
    transaction, download = TransactionReader(made), DownloadReader(made, Path("/nonexistent"))
    for reader in (transaction, download):
        last, ended = 0.0, set()
        for line in said:
            progress, ends = reader.feed([line])
            assert last <= progress.within <= 1.0
            assert -1 <= progress.item < len(made.items)
            assert 0.0 <= progress.item_within <= 1.0
            assert not ended & {end.item for end in ends}
            ended |= {end.item for end in ends}
            last = progress.within


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=30))
def test_download_bytes_follow_the_files_and_never_fall(sizes: list[tuple[int, int]]) -> None:
    made = plan(item("a"), item("b", size=200))
    now = {"a": 0, "b": 0}
    reader = DownloadReader(made, Path("/x"), lambda _, one: now[one.name])
    last = 0
    for number, (a, b) in enumerate(sizes):
        now.update(a=a, b=b)
        progress, _ = reader.feed([f"dlstatus:1:{number % 90}.0:Retrieving file 1 of 2"])
        assert last <= progress.bytes_done <= progress.bytes_total == 300
        assert progress.within >= progress.bytes_done / 300
        assert progress.item_bytes_done <= progress.item_bytes_total
        last = progress.bytes_done


def test_download_names_the_file_that_grows(tmp_path: Path) -> None:
    made = plan(item("a"), item("b"))
    (tmp_path / "partial").mkdir()
    reader = DownloadReader(made, tmp_path)
    (tmp_path / "a_1_all.deb").write_bytes(b"x" * 100)
    (tmp_path / "partial/b_1_all.deb").write_bytes(b"x" * 40)
    progress, ends = reader.feed(["dlstatus:2:66.0:Retrieving file 2 of 2"])
    assert ends == (ItemEnd(0),)
    assert (progress.item, progress.item_bytes_done, progress.bytes_done) == (1, 40, 140)
