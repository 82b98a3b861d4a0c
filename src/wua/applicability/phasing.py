"""Phased updates: whether this machine is among those that are to have a version already.

apt seeds a random number generator with source name, source version and machine id, draws a
number from 0 to 100, and keeps the update back where it is over the percentage. The generator
is that of the C++ standard: std::seed_seq, std::minstd_rand, uniform_int_distribution.
"""

from functools import lru_cache
from typing import Final, NamedTuple

_WORD: Final = 0xFFFFFFFF
_MODULUS: Final = 2147483647
_MULTIPLIER: Final = 48271
_SPAN: Final = 101  # the numbers 0 to 100


class PhasingRules(NamedTuple):
    """What apt's configuration says of phasing."""

    machine_id: str = ""
    always: bool = False  # APT::Get::Always-Include-Phased-Updates
    never: bool = False  # APT::Get::Never-Include-Phased-Updates
    by_policy: bool = False  # APT::Get::Phase-Policy: such versions get priority 1
    chroot: bool = False  # apt runs in a chroot: there it waits for nothing

    def keeps_back(self, source: str, source_version: str, percent: int) -> bool:
        """Whether an update that is phased to ``percent`` is not yet for this machine."""
        if percent >= 100 or self.always:
            return False
        if self.never:
            return True
        if self.chroot or not self.machine_id:
            return False
        return draw(f"{source}-{source_version}-{self.machine_id}") > percent


@lru_cache(maxsize=4096)
def draw(seed: str) -> int:
    """The number, from 0 to 100, that apt draws for a seed."""
    # minstd_rand takes the last of the four words that its seed sequence makes
    state = _seed_words(seed.encode(), 4)[3] % _MODULUS or 1
    scale = (_MODULUS - 2) // _SPAN
    while True:
        state = state * _MULTIPLIER % _MODULUS
        if state - 1 < scale * _SPAN:
            return (state - 1) // scale


def _mix(word: int) -> int:
    return word ^ (word >> 27)


def _seed_words(values: bytes, count: int) -> list[int]:
    """std::seed_seq::generate for ``count`` words (at most 6: then t and p are as here)."""
    # signed characters become 32-bit words with their sign
    words = [value if value < 128 else (value - 256) & _WORD for value in values]
    out = [0x8B8B8B8B] * count
    shift = (count - 1) // 2
    middle = (count - shift) // 2
    end = middle + shift
    rounds = max(len(words) + 1, count)
    for k in range(rounds):
        a, b = k % count, (k + middle) % count
        mixed = 1664525 * _mix(out[a] ^ out[b] ^ out[(k - 1) % count]) & _WORD
        added = len(words) if k == 0 else a + words[k - 1] if k <= len(words) else a
        carried = (mixed + added) & _WORD
        out[b] = (out[b] + mixed) & _WORD
        out[(k + end) % count] = (out[(k + end) % count] + carried) & _WORD
        out[a] = carried
    for k in range(rounds, rounds + count):
        a, b, c = k % count, (k + middle) % count, (k + end) % count
        mixed = 1566083941 * _mix((out[a] + out[b] + out[(k - 1) % count]) & _WORD) & _WORD
        taken = (mixed - a) & _WORD
        out[b] ^= mixed
        out[c] ^= taken
        out[a] = taken
    return out
