"""Reading the indexes of a configuration: those that changed are read, the rest is loaded when needed."""

from pathlib import Path
from typing import Final

import msgspec

from wua.metadata.packages_index import IndexData, read_index
from wua.metadata.release_file import ReleaseFacts, read_release
from wua.model.problems import WuaError
from wua.services.apt_config import release_file, stored_file
from wua.services.apt_packages import Index
from wua.services.apt_rules import archive_of
from wua.services.apt_world import AptConfig, IndexTarget, StoredIndex, World, stamp
from wua.store.catalogue import Catalogue
from wua.store.catalogue_writer import Writer

SERVICE: Final = "apt"


class Indexes:
    """The indexes of a configuration while they are brought up to date."""

    def __init__(
        self, catalogue: Catalogue, writer: Writer, config: AptConfig, lists_dir: Path, before: World | None
    ) -> None:
        self._catalogue = catalogue
        self._writer = writer
        self._config = config
        self._lists_dir = lists_dir
        self._before = {index.target.file: index for index in before.indexes} if before is not None else {}
        self._loaded: dict[int, IndexData] = {}
        self._stored = writer.sources(SERVICE)
        self.indexes: list[StoredIndex] = []
        self.changed: set[str] = set()  # names of packages that changed in an index

    def read(self) -> None:
        done: set[str] = set()
        for target in self._config.targets:
            path = stored_file(target, self._config, self._lists_dir)
            if target.kind != "Packages" or path is None or target.file in done:
                continue
            done.add(target.file)
            self.indexes.append(self._read(target, path))

    def _read(self, target: IndexTarget, path: Path) -> StoredIndex:
        was = self._before.get(target.file)
        release = release_file(target, self._config, self._lists_dir)
        index = StoredIndex(
            target,
            str(path),
            stamp(path),
            str(release or ""),
            stamp(release) if release is not None else stamp(""),
            ReleaseFacts(),
            self._stored.get(target.file, 0),
        )
        if was is not None and (was.release_path, was.release_stamp) == (
            index.release_path,
            index.release_stamp,
        ):
            index.release = was.release
        elif release is not None:
            index.release = read_release(release)
        if was is not None and (was.path, was.stamp) == (index.path, index.stamp) and index.source:
            index.problem, index.phased = was.problem, was.phased
        else:
            self._take(index, path)
        return index

    def _take(self, index: StoredIndex, path: Path) -> None:
        """Read an index; where that fails, what was read before stays."""
        old = self.data(index) if index.source else None
        try:
            reading = read_index(path, old)
        except (WuaError, OSError) as failure:
            index.problem = str(failure)
            index.phased = bool(old is not None and old.phased)
            if old is None:
                index.source = self._store(index, IndexData())
            return
        index.source = self._store(index, reading.data)
        if self._before:
            self.changed |= reading.changed

    def _store(self, index: StoredIndex, data: IndexData) -> int:
        source = self._writer.put_source(SERVICE, index.target.file, msgspec.msgpack.encode(data))
        self._loaded[source] = data
        index.phased = bool(data.phased)
        return source

    def data(self, index: StoredIndex) -> IndexData:
        if index.source not in self._loaded:
            data = self._catalogue.source_data(index.source)
            self._loaded[index.source] = msgspec.msgpack.decode(data, type=IndexData) if data else IndexData()
        return self._loaded[index.source]

    def drop_unused(self) -> None:
        used = {index.source for index in self.indexes}
        for source in self._stored.values():
            if source not in used:
                self._writer.drop_source(source)


def index_of(stored: StoredIndex, data: IndexData) -> Index:
    return Index(stored.source, archive_of(stored), data, stored.path)
