"""The random numbers of phased updates: those that the C++ standard library draws."""

import pytest

from wua.applicability.phasing import PhasingRules, draw

# Drawn by std::seed_seq, std::minstd_rand and std::uniform_int_distribution<unsigned>(0, 100) of libstdc++.
DRAWN = {
    "": 63,
    "a": 94,
    "hello-2.10-3-3d1219c7c4c5404aaa1f6d2a48adfda4": 90,
    "linux-6.1.1-1-00000000000000000000000000000001": 47,
    "openssl-3.0.22-1~deb12u2-deadbeef": 35,
    "x" * 200: 16,
    "aé": 19,
}


@pytest.mark.parametrize("seed", DRAWN)
def test_numbers_are_those_of_the_standard_library(seed: str) -> None:
    assert draw(seed) == DRAWN[seed]


def test_all_numbers_from_0_to_100_come() -> None:
    assert {draw(f"seed-{n}") for n in range(3000)} == set(range(101))


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        (PhasingRules("id"), True),
        (PhasingRules(""), False),
        (PhasingRules("id", always=True), False),
        (PhasingRules("id", never=True), True),
        (PhasingRules("", never=True), True),
        (PhasingRules("id", always=True, never=True), False),
        (PhasingRules("id", chroot=True), False),
        (PhasingRules("id", chroot=True, never=True), True),
    ],
)
def test_what_is_configured_goes_before_the_draw(rules: PhasingRules, kept: bool) -> None:
    late = next(f"source{n}" for n in range(1000) if draw(f"source{n}-1-{rules.machine_id or 'id'}") > 50)
    assert rules.keeps_back(late, "1", 50) is kept
    assert rules.keeps_back(late, "1", 100) is False
