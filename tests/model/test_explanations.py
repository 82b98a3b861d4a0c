"""Every code can be looked up in every form, and those that users meet have a cause and a next step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wua.model.advice import ADVICE, FOREIGN
from wua.model.code_meanings import MEANINGS
from wua.model.explanations import explain, name_of, near, number
from wua.model.problems import CATALOGUE, WuaError

NAMES = [*MEANINGS, *FOREIGN]


@pytest.mark.parametrize("name", NAMES)
def test_every_code_is_known_by_name_and_by_number(name: str) -> None:
    found = explain(name)
    for text in (f"0x{found.value:08X}", f"{found.value:08x}", str(found.value), str(found.value - 2**32)):
        if text.isdecimal() and len(text) == 8 and text[0] not in "8Cc":
            continue  # eight digits that begin so are hexadecimal to people
        if found.failure or not text.startswith("-"):
            assert explain(text).value == found.value
    assert name in (found.name, *found.other_names)
    assert found.meaning
    assert explain(name.lower()) == found


@pytest.mark.parametrize(
    "text", ["0x80240016", "0X80240016", "80240016", "-2145124330", "2149842966", " 0x80240016L "]
)
def test_all_forms_of_one_number(text: str) -> None:
    found = explain(text)
    assert (found.value, found.name) == (0x80240016, "WU_E_INSTALL_NOT_ALLOWED")
    assert found.failure
    assert (found.facility, found.facility_name, found.code) == (36, "Windows Update", 0x16)
    assert "lock-held" in [here.problem for here in found.here]


def test_advice_is_for_known_codes_and_there_is_enough() -> None:
    assert ADVICE.keys() <= MEANINGS.keys()
    assert len(ADVICE) >= 60
    values = {value for value, _, _ in MEANINGS.values()}
    assert not values & {row.value for row in FOREIGN.values()}


@pytest.mark.parametrize("texts", [*ADVICE.values(), *(row[1:] for row in FOREIGN.values())])
def test_advice_is_in_sentences(texts: tuple[str, ...]) -> None:
    for text in texts:
        assert text[0].isupper() or text.startswith(("wsusscn2", "bitsadmin"))
        assert text.endswith(".")


@pytest.mark.parametrize("kind", CATALOGUE)
def test_every_problem_of_ours_is_explained(kind: str) -> None:
    found = explain(kind)
    assert found.name == name_of(CATALOGUE[kind].hresult) != ""
    assert [here.problem for here in found.here] == [kind]
    assert kind in [here.problem for here in explain(hex(found.value)).here]
    assert found.here[0].cause
    assert found.here[0].next_step


def test_an_unknown_number_is_taken_apart() -> None:
    found = explain("0x8007DEAD")
    assert (found.name, found.meaning, found.here) == ("", "", ())
    assert (found.failure, found.facility, found.facility_name, found.code) == (True, 7, "Win32", 0xDEAD)
    assert not explain("0x00000777").failure


@pytest.mark.parametrize(
    "text", ["nonsense", "", "0x123456789", "-99999999999", "WU_E_NO_UPDATES_AT_ALL", "1.5"]
)
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(WuaError) as caught:
        explain(text)
    assert caught.value.problem.id == "invalid-argument"


def test_near_names_are_told() -> None:
    assert near("WU_E_NO_UPDATES")[0] == "WU_E_NO_UPDATE"
    assert "lock-held" in near("lockheld")
    assert "WU_E_INSTALL_NOT_ALLOWED" in near("install not allowed")
    with pytest.raises(WuaError, match="neither a number") as caught:
        explain("WU_E_NOUPDATE")
    assert "WU_E_NO_UPDATE" in caught.value.problem.next_step


@given(st.integers(0, 2**32 - 1))
def test_any_number_of_32_bits_is_read_back(value: int) -> None:
    assert number(f"0x{value:08X}") == value
    assert number(f"0x{value:x}") == value
    assert number(str(value - 2**32)) in (value, None if value < 2**31 else value)
    if len(str(value)) != 8:
        assert number(str(value)) == value


@given(st.text())
def test_any_text_is_explained_or_refused(text: str) -> None:
    try:
        value = explain(text).value
    except WuaError as refused:
        kind = refused.problem.id
    else:
        kind = ""
        assert 0 <= value < 2**32
    assert kind in ("", "invalid-argument")
