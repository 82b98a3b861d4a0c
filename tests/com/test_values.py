"""What VARIANTs are on the wire, and which objects a program holds."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wua.com.clients import Given, GivenCallback
from wua.com.objects import Objects
from wua.com.values import EPOCH, Unreadable, Values
from wua.wuapi import StringCollection, UpdateCollection, enums
from wua.wuapi.callbacks import InstallationCompletedCallbackArgs
from wua.wuapi.declare import ComObject
from wua.wuapi.variants import MISSING


class Program:
    def __init__(self) -> None:
        self.dropped: list[int] = []
        self.calls: list[tuple[int, str]] = []

    def call(self, token: int, interface: str, arguments: tuple[ComObject, ComObject]) -> int:
        self.calls.append((token, interface))
        return 7

    def drop(self, token: int) -> None:
        self.dropped.append(token)


@pytest.fixture
def program() -> Program:
    return Program()


@pytest.fixture
def values(program: Program) -> Values:
    return Values(Objects(), program)


DATES = st.integers(0, 10**17).map(lambda microseconds: EPOCH + timedelta(microseconds=microseconds))
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.text(st.characters(exclude_categories=["Cs"])),
    DATES,
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**15), max_value=10**15),
)


@given(st.one_of(PLAIN, st.lists(PLAIN, max_size=4).map(tuple)))
def test_there_and_back(value: Any) -> None:
    values = Values(Objects(), Program())
    assert values.read(msgspec.json.decode(msgspec.json.encode(values.write(value)))) == value


@pytest.mark.parametrize(
    ("value", "type_name", "written"),
    [
        (None, "VARIANT", None),
        (None, "BSTR", {"s": None}),
        (None, "IUpdate*", {"o": 0}),
        (None, "IUnknown*", {"o": 0}),
        (enums.orcSucceeded, "OperationResultCode", 2),
        (12345678901, "DECIMAL", {"n": "12345678901"}),
        (Decimal("1E+3"), "DECIMAL", {"n": "1000"}),
        (datetime(1899, 12, 31, tzinfo=UTC), "DATE", {"d": 86_400_000_000}),
        (EPOCH.replace(tzinfo=None), "DATE", {"d": 0}),
        (b"\x00\xff", "VARIANT", {"y": [0, 255]}),
        (["a", None], "VARIANT", {"a": ["a", None]}),
        ("half \ud800", "BSTR", "half ?"),
    ],
)
def test_a_value_goes_as_its_declared_type(values: Values, value: Any, type_name: str, written: Any) -> None:
    assert values.write(value, type_name) == written


def test_what_is_no_variant_is_a_defect(values: Values) -> None:
    with pytest.raises(TypeError):
        values.write(timedelta())


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"x": 1},
        {"o": 1},
        {"o": "1"},
        {"o": [1]},
        {"c": "1"},
        {"d": "today"},
        {"d": -1},
        {"d": 1 << 62},
        {"n": "twelve"},
        {"n": None},
        {"a": 5},
        {"a": [{"o": 7}]},
    ],
)
def test_what_cannot_be_read(values: Values, value: Any) -> None:
    with pytest.raises(Unreadable):
        values.read(value)


def test_what_was_left_out(values: Values) -> None:
    assert values.read({"m": 0}) is MISSING


def test_the_same_object_has_the_same_handle(values: Values) -> None:
    thing = StringCollection()
    first, second = values.write(thing), values.write(thing)
    assert first == second == {"o": first["o"], "k": "StringCollection"}
    assert values.read(first) is thing
    assert values.write(UpdateCollection())["o"] != first["o"]


def test_what_belongs_to_the_program_comes_back_by_its_token(values: Values, program: Program) -> None:
    thing = values.read({"c": 5})
    assert type(thing) is Given
    assert values.write(thing) == {"c": 5}
    del thing
    assert program.dropped == [5]


def test_a_callback_is_called_by_the_interface_of_its_arguments(values: Values, program: Program) -> None:
    callback = values.read({"c": 6, "call": True})
    assert isinstance(callback, GivenCallback)
    assert callback.Invoke(StringCollection(), InstallationCompletedCallbackArgs()) == 7
    assert program.calls == [(6, "IInstallationCompletedCallback")]


def test_counts_end_at_zero() -> None:
    objects, thing = Objects(), StringCollection()
    handle, new = objects.give(thing)
    assert new
    assert objects.give(thing) == (handle, False)
    objects.take_back(handle, 1)
    assert objects.get(handle) is thing
    objects.take_back(handle, 1)
    assert len(objects) == 0
    with pytest.raises(KeyError):
        objects.get(handle)
    with pytest.raises(KeyError):
        objects.take_back(handle, 1)
    assert objects.give(thing) == (handle + 1, True)


@pytest.mark.parametrize("count", [0, -1, 2])
def test_more_than_was_given_cannot_be_given_back(count: int) -> None:
    objects = Objects()
    handle, _ = objects.give(StringCollection())
    with pytest.raises(ValueError, match="given back"):
        objects.take_back(handle, count)
    assert len(objects) == 1
