"""The search language of ``IUpdateSearcher.Search``: text to a small tree, to a predicate, to SQL.

String comparison is without case. For all of it case means the letters A to Z: that is what SQLite
knows, and what identifiers, package names and versions are made of.
"""

from wua.criteria.compile import Criteria
from wua.criteria.errors import CriteriaError
from wua.criteria.lexer import escape_string
from wua.criteria.parser import DEFAULT, parse
from wua.criteria.properties import PROPERTIES, Kind, Property
from wua.criteria.tree import Criterion

__all__ = [
    "DEFAULT",
    "PROPERTIES",
    "Criteria",
    "CriteriaError",
    "Criterion",
    "Kind",
    "Property",
    "escape_string",
    "parse",
]
