"""The repository names no machine, no registry, nothing unfinished; its documents hang together."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.quality.project import ROOT, files

TEXT = [path for path in files() if path.suffix not in {".png", ".gz", ".deb", ".cab", ".zst"}]
DOCUMENTS = [path for path in TEXT if path.suffix == ".md"]

# Spelt so that this file does not find itself.
HOMES = re.compile(r"(?<![\w.})>$-])/(?:root|home|Users|work)/\w|file:/{3}\w")
REGISTRIES = re.compile(
    r"py[p]i\.org|python[h]osted\.org|\b(?:deb|ftp|security|snapshot|archive)\.[d]ebian\.(?:org|net)\b|npm[j]s\.(?:org|com)|[p]ytorch\.org"
)
UNFINISHED = re.compile(r"\b(?:[T]ODO|[F]IXME|[X]XX)\b")
# Published formats and interfaces are described in their makers' words.
NOT_OURS = ("LICENSE", "reference/")


def hits(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in paths
        if not str(path.relative_to(ROOT)).startswith(NOT_OURS)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize("pattern", [HOMES, REGISTRIES, UNFINISHED], ids=["home", "registry", "unfinished"])
def test_no_file_names(pattern: re.Pattern[str]) -> None:
    found = hits(pattern, TEXT)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", ["runtime", "build", "dev", "salt", "pywin32"])
def test_a_lock_is_nothing_but_pinned_packages_with_hashes(name: str) -> None:
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()[1:]
    requirement = re.compile(r"[a-z0-9-]+==[\w.]+( ; [\w'<>=! .]+)? \\")
    digest = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [line for line in lines if not (requirement.fullmatch(line) or digest.fullmatch(line))] == []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        assert line.endswith("\\") == following.startswith(" ")


def test_the_locks_agree() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^\S+==\S+", (ROOT / "requirements" / name).read_text(), re.MULTILINE))

    assert pins("runtime.txt") | pins("build.txt") <= pins("dev.txt")


def headings(text: str) -> set[str]:
    """The anchors that a document's headings give."""
    titles = re.findall(r"^#+ +(.*?)\s*$", without_code(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def broken_links(document: Path) -> Iterator[str]:
    text = re.sub(r"`[^`\n]*`", "", without_code(document.read_text()))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        lost = not target.exists() or not target.is_relative_to(ROOT)
        if lost or (anchor and target.suffix == ".md" and anchor not in headings(target.read_text())):
            yield link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    assert list(broken_links(document)) == []


def test_every_page_can_be_found_from_the_start() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.is_file():
            continue
        reached.add(page)
        text = without_code(page.read_text())
        waiting += [(page.parent / link).resolve() for link in re.findall(r"\]\(([^)\s#]+)", text)]
    pages = {path for path in DOCUMENTS if path.is_relative_to(ROOT / "docs")}
    assert sorted(str(page.relative_to(ROOT)) for page in pages - reached) == []


def test_decision_records_are_numbered_and_complete() -> None:
    records = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert [record.name[:4] for record in records] == [f"{n:04}" for n in range(1, len(records) + 1)]
    for record in records:
        assert {"context", "decision", "consequences"} <= headings(record.read_text()), record.name
