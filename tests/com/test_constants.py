"""What the program's side may keep."""

import pytest

import wua.wuapi  # noqa: F401 - declares every class
from wua.com.constants import GROUPS, beside
from wua.wuapi.conformance import declared

CLASSES = {cls.__name__: cls for cls in declared()}


@pytest.mark.parametrize("name", GROUPS)
def test_only_plain_properties_that_nobody_sets_are_kept(name: str) -> None:
    for group in GROUPS[name]:
        for each in group:
            member = CLASSES[name]._members_[each.lower()]
            (row,) = member.rows[:1]
            assert member.name == each
            assert (row.kind, row.params, member.put) == ("get", (), None)
            assert not row.returns.endswith("*")


def test_what_changes_with_the_object_is_not_among_them() -> None:
    for each in ("IsDownloaded", "IsHidden", "EulaAccepted", "NoSuchThing"):
        assert beside("Update", each) == ()
    assert beside("UpdateSearcher", "Online") == ()


def test_what_must_be_fetched_is_not_sent_with_what_is_there() -> None:
    assert not {"Description", "Deadline", "EulaText"} & set(beside("Update", "Title"))
    assert "Title" not in beside("Update", "Description")
