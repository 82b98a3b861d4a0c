"""Offers equal apt's candidates in random configurations: the seed names the configuration."""

import contextlib
from pathlib import Path

import pytest
from tests.support.apt_compare import apt_says, synchronised, wua_says
from tests.support.random_apt import NAMES, World

from wua.model.problems import WuaError

QUICK, MORE = 160, 1500


def check(seed: int, folder: Path) -> None:
    root = World(folder, seed).root
    packages = [*NAMES, *(f"{name}:{arch}" for name in NAMES for arch in root.architectures[1:])]
    compared = synchronised(root, folder)
    theirs = None
    with contextlib.suppress(WuaError):
        theirs = apt_says(root, packages)
    if theirs is None:  # apt will not work with this configuration: so much must be said
        assert compared.warnings
    else:
        assert wua_says(compared.catalogue, "amd64") == theirs
    compared.catalogue.close()


@pytest.mark.usefixtures("whose_apt")
@pytest.mark.parametrize("block", range(8))
def test_offers_are_apts_candidates(block: int, tmp_path: Path) -> None:
    for seed in range(block, QUICK, 8):
        check(seed, tmp_path / str(seed))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("block", range(20))
def test_offers_are_apts_candidates_in_many_more(block: int, tmp_path: Path) -> None:
    for seed in range(QUICK + block, MORE, 20):
        check(seed, tmp_path / str(seed))
