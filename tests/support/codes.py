"""HRESULTs of errors, as wuerror.h has them: unsigned."""

from collections.abc import Callable
from typing import Any

import pytest

from wua.wuapi import ComError


def code(caught: pytest.ExceptionInfo[ComError]) -> int:
    """Of an error that was caught."""
    return caught.value.hresult & 0xFFFFFFFF


def fails(call: Callable[[], Any]) -> int:
    """The code that a call fails with."""
    with pytest.raises(ComError) as caught:
        call()
    return code(caught)
