"""As much of JSON Schema (2020-12) as our own schemas use; any other word in one is an error."""

from collections.abc import Iterator
from typing import Any

KNOWN = {
    "$defs",
    "$ref",
    "$schema",
    "additionalProperties",
    "anyOf",
    "const",
    "default",
    "description",
    "discriminator",
    "enum",
    "items",
    "maxItems",
    "minItems",
    "prefixItems",
    "properties",
    "required",
    "title",
    "type",
}
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def errors(
    value: Any, schema: dict[str, Any], top: dict[str, Any] | None = None, at: str = "$"
) -> Iterator[str]:
    """What is wrong with a value, each with its place."""
    top = schema if top is None else top
    unknown = schema.keys() - KNOWN
    assert not unknown, f"this checker does not know {unknown}"
    if "$ref" in schema:
        yield from errors(value, top["$defs"][schema["$ref"].rpartition("/")[2]], top, at)
    if "anyOf" in schema:
        found = [list(errors(value, each, top, at)) for each in schema["anyOf"]]
        if all(found):
            yield from min(found, key=lambda those: -max(each.count(".") for each in those))
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if "type" in schema and not _is(value, schema["type"]):
        yield f"{at}: {value!r} is not of type {schema['type']}"
    elif isinstance(value, dict):
        yield from _object(value, schema, top, at)
    elif isinstance(value, list):
        yield from _array(value, schema, top, at)


def _is(value: Any, kind: str) -> bool:
    if kind in ("integer", "number") and isinstance(value, bool):
        return False
    return isinstance(value, TYPES[kind])  # type: ignore[arg-type]


def _object(value: dict[str, Any], schema: dict[str, Any], top: dict[str, Any], at: str) -> Iterator[str]:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at}: {name} is missing"
    more = schema.get("additionalProperties", {})
    for name, each in value.items():
        if name in known:
            yield from errors(each, known[name], top, f"{at}.{name}")
        elif known and not more:  # ours is stricter than the standard: no field may be undocumented
            yield f"{at}.{name} is not in the schema"
        elif isinstance(more, dict) and more:
            yield from errors(each, more, top, f"{at}.{name}")


def _array(value: list[Any], schema: dict[str, Any], top: dict[str, Any], at: str) -> Iterator[str]:
    first = schema.get("prefixItems", [])
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield f"{at}: {len(value)} items"
    for n, each in enumerate(value):
        rule = first[n] if n < len(first) else schema.get("items", {})
        yield from errors(each, rule, top, f"{at}[{n}]") if isinstance(rule, dict) else ()
