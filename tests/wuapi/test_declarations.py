"""How members are declared, and how arguments are checked."""

from typing import Any

import pytest

from wua.model import codes
from wua.wuapi import ComError, StringCollection, UpdateCollection, WebProxy, enums
from wua.wuapi.arguments import converter
from wua.wuapi.declare import ComObject, DeclarationError
from wua.wuapi.errors import DISP_E_OVERFLOW, signed


def test_a_name_that_no_interface_has_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"Wrong\.Nmae is in none of IUpdateIdentity"):

        class Wrong(ComObject, interfaces=("IUpdateIdentity",)):
            @property
            def Nmae(self) -> str:
                return ""


def test_a_method_where_the_interface_has_a_property_is_refused() -> None:
    with pytest.raises(DeclarationError, match="is a plain property"):

        class Wrong(ComObject, interfaces=("IUpdateIdentity",)):
            def UpdateID(self) -> str:
                return ""


def test_a_property_where_the_interface_has_a_method_is_refused() -> None:
    with pytest.raises(DeclarationError, match="is not a plain property"):

        class Wrong(ComObject, interfaces=("IStringCollection",)):
            @property
            def Copy(self) -> None:
                return None


def test_a_setter_too_many_or_too_few_is_refused() -> None:
    with pytest.raises(DeclarationError, match="can be set in one of both places only"):

        class Wrong(ComObject, interfaces=("IUpdateDownloader",)):
            @property
            def Priority(self) -> int:
                return 1


def test_other_parameter_names_are_refused() -> None:
    with pytest.raises(DeclarationError, match=r"takes \(text\), not \(unescaped\)"):

        class Wrong(ComObject, interfaces=("IUpdateSearcher",)):
            def EscapeString(self, text: str) -> str:
                return text


def test_an_index_without_its_put_half_is_refused() -> None:
    with pytest.raises(DeclarationError, match="has no put_Item beside it"):

        class Wrong(ComObject, interfaces=("IStringCollection",)):
            def Item(self, index: int) -> str:
                return ""


def test_a_name_that_is_not_there_cannot_be_set() -> None:
    with pytest.raises(AttributeError):
        WebProxy().Adress = "typo"  # type: ignore[attr-defined]


def code(type_name: str, value: Any) -> int:
    convert = converter(type_name)
    assert convert is not None
    with pytest.raises(ComError) as caught:
        convert(value)
    return caught.value.hresult & 0xFFFFFFFF


@pytest.mark.parametrize(("given", "meant"), [(True, True), (False, False), (-1, True), (0, False)])
def test_variant_bool(given: Any, meant: bool) -> None:
    convert = converter("VARIANT_BOOL")
    assert convert is not None
    assert convert(given) is meant


@pytest.mark.parametrize(
    ("type_name", "value", "expected"),
    [
        ("VARIANT_BOOL", 1, codes.E_INVALIDARG),
        ("VARIANT_BOOL", 2, codes.E_INVALIDARG),
        ("VARIANT_BOOL", "true", codes.DISP_E_TYPEMISMATCH),
        ("VARIANT_BOOL", None, codes.DISP_E_TYPEMISMATCH),
        ("BSTR", 5, codes.DISP_E_TYPEMISMATCH),
        ("BSTR", b"bytes", codes.DISP_E_TYPEMISMATCH),
        ("LONG", "5", codes.DISP_E_TYPEMISMATCH),
        ("LONG", 1.5, codes.DISP_E_TYPEMISMATCH),
        ("LONG", None, codes.DISP_E_TYPEMISMATCH),
        ("LONG", 1 << 31, DISP_E_OVERFLOW),
        ("LONG", -(1 << 31) - 1, DISP_E_OVERFLOW),
        ("DWORD", -1, DISP_E_OVERFLOW),
        ("LCID", 1 << 32, DISP_E_OVERFLOW),
        ("ServerSelection", 4, codes.E_INVALIDARG),
        ("ServerSelection", "ssOthers", codes.DISP_E_TYPEMISMATCH),
        ("IUpdateCollection*", [], codes.E_NOINTERFACE),
        ("IUpdateCollection*", StringCollection(), codes.E_NOINTERFACE),
    ],
)
def test_wrong_values(type_name: str, value: Any, expected: int) -> None:
    assert code(type_name, value) == expected


@pytest.mark.parametrize("value", [-(1 << 31), 0, (1 << 31) - 1])
def test_the_whole_range_of_a_long(value: int) -> None:
    convert = converter("LONG")
    assert convert is not None
    assert convert(value) == value


def test_enumerations_arrive_as_such() -> None:
    convert = converter("DownloadPriority")
    assert convert is not None
    assert convert(3) is enums.dpHigh


def test_null_goes_through_where_objects_and_strings_are_expected() -> None:
    for name in ("BSTR", "IUpdateCollection*"):
        convert = converter(name)
        assert convert is not None
        assert convert(None) is None


def test_anything_goes_where_anything_is_declared() -> None:
    assert converter("VARIANT") is None
    assert converter("IUnknown*") is None


def test_arguments_may_be_named_and_are_checked_then_too() -> None:
    strings = StringCollection()
    strings.Insert(value="a", index=0)
    assert strings.Item(index=0) == "a"
    with pytest.raises(ComError):
        strings.Insert(value=5, index=0)  # type: ignore[arg-type]


def test_what_python_itself_refuses_stays_a_type_error() -> None:
    with pytest.raises(TypeError):
        StringCollection().Add("a", "b")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        StringCollection().Add()  # type: ignore[call-arg]


def test_a_com_error_says_what_it_is() -> None:
    failure = ComError(codes.WU_E_NO_UPDATE, "Updates is empty")
    assert failure.hresult == -2145124316
    assert failure.excepinfo == (0, None, "Updates is empty", None, 0, -2145124316)
    assert str(failure) == "WU_E_NO_UPDATE (0x80240024): Updates is empty"
    assert str(ComError(codes.WU_E_NO_UPDATE)) == "WU_E_NO_UPDATE (0x80240024)"
    assert ComError(codes.WU_E_NO_UPDATE).excepinfo[2] is None


@pytest.mark.parametrize(
    ("unsigned", "expected"), [(0, 0), (0x7FFFFFFF, 0x7FFFFFFF), (0x80240024, -2145124316)]
)
def test_hresults_are_signed(unsigned: int, expected: int) -> None:
    assert signed(unsigned) == expected
    assert signed(expected) == expected


def test_objects_name_their_interface() -> None:
    assert repr(UpdateCollection()) == "<IUpdateCollection>"
