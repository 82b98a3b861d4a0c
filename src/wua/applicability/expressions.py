"""The patterns of apt_preferences(5): plain words, glob(7) patterns, and regular expressions in slashes.

apt matches them with fnmatch(3) and regcomp(3), ignoring case. Whatever those two understand in a
way of their own is refused here, so that apt itself is asked instead.
"""

import fnmatch
import re
from collections.abc import Callable
from functools import cache
from typing import Final

Matcher = Callable[[str], object]

_PLAIN: Final = re.compile(r"[^*?\[\]\\]*")
# POSIX extended expressions that mean the same in Python: no classes, no escapes but of punctuation
_SAFE_REGEX: Final = re.compile(r"(?:[^\\\[\]{}]|\\[^\w\s<>`']|\[\^?\]?[^\[\]\\]*\]|\{\d+(?:,\d*)?\})*")
_DOUBLE_QUANTIFIER: Final = re.compile(r"(?<!\\)[*+?}][*+?{]|\(\?|\(\)|\(\*|\|\||^[*+?{]|[|(][*+?{]")


class CannotEvaluate(Exception):
    """Only apt itself knows what this configuration means."""


def is_pattern(text: str) -> bool:
    """Whether a Package field of the preferences names packages by pattern."""
    return any(mark in text for mark in "*[?") or (len(text) > 1 and text[0] == text[-1] == "/")


@cache
def expression(pattern: str) -> Matcher:
    """A function that is true for the strings that apt would match.

    Raises:
        CannotEvaluate: the pattern has a meaning that is not known here.
    """
    if len(pattern) > 1 and pattern[0] == pattern[-1] == "/":
        return _regex(pattern[1:-1]).search
    if _PLAIN.fullmatch(pattern):
        lowered = pattern.lower()
        return lambda text: text.lower() == lowered
    return _glob(pattern).match


def _regex(text: str) -> re.Pattern[str]:
    if not _SAFE_REGEX.fullmatch(text) or _DOUBLE_QUANTIFIER.search(text):
        raise CannotEvaluate(f"the regular expression /{text}/")
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error:
        raise CannotEvaluate(f"the regular expression /{text}/") from None


def _glob(text: str) -> re.Pattern[str]:
    if "\\" in text or "[:" in text or "[." in text or "[=" in text:
        raise CannotEvaluate(f"the pattern {text}")
    return re.compile(fnmatch.translate(text.replace("[^", "[!")), re.IGNORECASE)
