"""Which apt has to agree: this machine's, and Debian 13's in a root of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import debian13


@pytest.fixture(scope="session")
def tools13(bases: Path) -> Iterator[Path]:
    """A small Debian 13."""
    with debian13.debian13(bases) as made:
        yield made


@pytest.fixture(params=["here", pytest.param("debian13", marks=debian13.MARKS)])
def whose_apt(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every AptRoot of the test is asked of this apt."""
    if request.param == "debian13":
        root = request.getfixturevalue("tools13")
        monkeypatch.setenv("WUA_TEST_APT", debian13.enter(root))
    return str(request.param)


@pytest.fixture(scope="session", params=["here", pytest.param("debian13", marks=debian13.MARKS)])
def tools(request: pytest.FixtureRequest) -> Path | None:
    """Where apt and dpkg are taken from: the folder of another Debian, None for this machine's."""
    return request.getfixturevalue("tools13") if request.param == "debian13" else None
