"""The JSON schema of what ``--json`` prints; docs/reference/json-schema.md is drawn from it."""

import inspect
from typing import Any, Final

import msgspec

from wua.cli.answers import FORM, RESULTS, ErrorObject
from wua.model.jobs import JobEvent

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
REF: Final = "#/$defs/{name}"


def schema() -> dict[str, Any]:
    """A line of output is an event of a job, or the envelope that ends the output."""
    verbs = list(RESULTS)
    tops, types = msgspec.json.schema_components(
        [JobEvent, ErrorObject, *(RESULTS[verb] for verb in verbs)], ref_template=REF
    )
    event, trouble, *results = tops
    envelopes = [_envelope(verb, result, trouble) for verb, result in zip(verbs, results, strict=True)]
    return {
        "$schema": DIALECT,
        "title": "A line that wua prints with --json",
        "anyOf": [event, *envelopes, _envelope(None, None, trouble)],
        "$defs": {name: _cleaned(types[name]) for name in sorted(types)},
    }


def _cleaned(rule: dict[str, Any]) -> dict[str, Any]:
    """With a docstring as every version of Python should give it: without its indentation."""
    about = rule.get("description")
    return {**rule, "description": inspect.cleandoc(about)} if about else rule


def _envelope(verb: str | None, result: dict[str, Any] | None, trouble: dict[str, Any]) -> dict[str, Any]:
    """Of a verb that answered; without a verb: of anything that ended with an error."""
    return {
        "type": "object",
        "properties": {
            "wua": {"const": FORM},
            "verb": {"type": "string"} if verb is None else {"const": verb},
            "exit": {"type": "integer"},
            "result": {"type": "null"} if result is None else {"anyOf": [result, {"type": "null"}]},
            "error": trouble if result is None else {"type": "null"},
        },
        "required": ["wua", "verb", "exit", "result", "error"],
    }
