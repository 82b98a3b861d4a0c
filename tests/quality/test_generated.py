"""Generated files are what their generators would write now."""

import importlib.util
import json
from types import ModuleType

import pytest
from tests.quality.project import ROOT


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["codes.py", "code_meanings.py"])
def test_result_codes_follow_the_reference(name: str) -> None:
    reference = json.loads((ROOT / "reference" / "wuerror.json").read_text())
    expected = tool("generate_codes").render(reference)[name]
    assert (ROOT / "src" / "wua" / "model" / name).read_text() == expected, "run tools/generate_codes.py"


def test_reference_pages_follow_the_code() -> None:
    for path, text in tool("generate_docs").pages().items():
        assert (ROOT / "docs" / "reference" / path).read_text() == text, f"{path}: run `make docs`"


def test_the_type_library_follows_the_declaration() -> None:
    assert (ROOT / "native" / "wua.idl").read_text() == tool("generate_idl").render(), (
        "run tools/generate_idl.py"
    )
