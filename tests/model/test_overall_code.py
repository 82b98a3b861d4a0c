"""The code of the whole from the codes of its parts."""

from hypothesis import given
from hypothesis import strategies as st

from wua.model import codes
from wua.model.enums import ResultCode
from wua.model.jobs import UpdateResult, overall_code
from wua.model.updates import UpdateId

R = ResultCode
FINAL = st.sampled_from([R.SUCCEEDED, R.SUCCEEDED_WITH_ERRORS, R.FAILED, R.ABORTED])
PARTS = st.lists(FINAL, max_size=6)


def parts(found: list[ResultCode]) -> tuple[UpdateResult, ...]:
    return tuple(UpdateResult(UpdateId(str(number)), code) for number, code in enumerate(found))


@given(PARTS, st.booleans())
def test_the_whole_follows_from_its_parts(found: list[ResultCode], aborted: bool) -> None:
    code, hresult = overall_code(parts(found), aborted=aborted)
    states = set(found)
    undone = not found or R.ABORTED in states
    if aborted and undone:
        assert (code, hresult) == (R.ABORTED, codes.WU_E_CALL_CANCELLED)
    elif not found:
        assert (code, hresult) == (R.NOT_STARTED, codes.S_OK)
    elif states == {R.SUCCEEDED}:
        assert (code, hresult) == (R.SUCCEEDED, codes.S_OK)
    elif states & {R.SUCCEEDED, R.SUCCEEDED_WITH_ERRORS}:
        assert (code, hresult) == (R.SUCCEEDED_WITH_ERRORS, codes.S_OK)
    else:
        assert (code, hresult) == (R.FAILED, codes.WU_E_ALL_UPDATES_FAILED)


@given(PARTS, st.booleans(), st.randoms())
def test_the_order_of_the_parts_does_not_matter(found: list[ResultCode], aborted: bool, dice: object) -> None:
    shuffled = list(found)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert overall_code(parts(found), aborted=aborted) == overall_code(parts(shuffled), aborted=aborted)


@given(PARTS)
def test_one_more_success_never_makes_it_worse(found: list[ResultCode]) -> None:
    rank = [R.FAILED, R.NOT_STARTED, R.SUCCEEDED_WITH_ERRORS, R.SUCCEEDED]
    before, _ = overall_code(parts(found))
    after, _ = overall_code(parts([*found, R.SUCCEEDED]))
    assert rank.index(after) >= rank.index(before)


@given(st.lists(st.sampled_from([R.SUCCEEDED, R.FAILED]), min_size=1, max_size=6))
def test_an_abort_that_left_nothing_undone_does_not_show(found: list[ResultCode]) -> None:
    assert overall_code(parts(found), aborted=True) == overall_code(parts(found), aborted=False)
