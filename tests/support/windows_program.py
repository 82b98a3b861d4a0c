"""wua itself as a Windows program: Windows' own Python, in a Wine prefix."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

from tests.support.sources import windows_python
from tests.support.wine_prefix import NewPrefix, Ran


class WindowsProgram(NewPrefix):
    """Runs wua in a prefix."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.python = windows_python()

    @contextmanager
    def running(self, *words: str) -> Iterator[Popen[bytes]]:
        """A Python module at work; it is ended afterwards."""
        with self.begin(str(self.python), "-m", *words) as program:
            try:
                yield program
            finally:
                program.kill()

    def wua(self, *words: str) -> Ran:
        return self.run(str(self.python), "-m", "wua", *words)

    def script(self, text: str, *words: str) -> Ran:
        return self.run(str(self.python), "-c", text, *words)
