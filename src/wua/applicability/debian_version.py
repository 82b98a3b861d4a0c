"""The order of Debian versions (deb-version(7)), as text that sorts as the versions do.

Text, because it is compared at the speed of strings and can stand in an indexed column: it holds
no NUL, and the order of code points is that of their UTF-8 bytes.
"""

import functools
import re
from string import ascii_letters, digits
from typing import Final

# In a part, runs of other characters and of digits take turns. "~" comes before the end of a run,
# letters after it, everything else after the letters.
_PAIR: Final = re.compile(r"([^0-9]*)([0-9]*)")
_END: Final = "\2"
_ORDER: Final = {
    ord("~"): 1,
    **{code: code + 256 for code in range(128) if chr(code) not in ascii_letters + digits + "~"},
}
_LENGTH: Final = 3  # added to the count of digits, so that no character is NUL


@functools.lru_cache(maxsize=1 << 16)
def sort_key(version: str) -> str:
    """Text that is less, equal or greater as the version is: ``sorted(versions, key=sort_key)``.

    Defined for what dpkg takes as a version. Other text has some place in the order too.
    """
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "", version
    upstream, revision = rest.rsplit("-", 1) if "-" in rest else (rest, "")
    return _part(epoch) + _part(upstream) + _part(revision)


def compare(one: str, other: str) -> int:
    """-1, 0 or 1, as ``one`` is older than, the same as or newer than ``other``."""
    left, right = sort_key(one), sort_key(other)
    return (left > right) - (left < right)


def _part(part: str) -> str:
    """Without a number means with the number 0, so that an absent part equals "0"."""
    pairs = _PAIR.findall(part.translate(_ORDER))[:-1] or [("", "")]
    return "".join([text + _number(number) for text, number in pairs]) + _END


@functools.lru_cache(maxsize=1 << 12)
def _number(number: str) -> str:
    """Digits without leading zeros, after their count: the longer number is the greater one."""
    significant = number.lstrip("0")
    return _END + chr(_LENGTH + len(significant)) + significant
