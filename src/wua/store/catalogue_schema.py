"""The tables of catalogue.db. All of it can be made again, so a change is a new number and no migration."""

from typing import Final

from wua.model.updates import Offer

FORMAT: Final = 1  # PRAGMA user_version; raise it with every change below

# The columns of an offer, in the order of its fields.
OFFER_COLUMNS: Final[tuple[str, ...]] = Offer.__struct_fields__

# What the catalogue keeps beside: offered 0 is a version that is known and not offered; held
# comes from the system and makes an offer hidden whatever wua's own marks say.
EXTRA_COLUMNS: Final[tuple[str, ...]] = ("offered", "held", "sha256", "source")

COLUMNS: Final = OFFER_COLUMNS + EXTRA_COLUMNS

SCHEMA: Final = """
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
);
CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    service TEXT NOT NULL,
    key TEXT NOT NULL,                   -- of the index within its service
    data BLOB NOT NULL,                  -- what the service read from it
    UNIQUE (service, key)
);
CREATE TABLE offers (
    id INTEGER PRIMARY KEY,
    update_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    title TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    architecture TEXT NOT NULL,
    installed_version TEXT NOT NULL,
    type INTEGER NOT NULL,
    deployment_action INTEGER NOT NULL,
    installed INTEGER NOT NULL,
    hidden INTEGER NOT NULL,
    mandatory INTEGER NOT NULL,
    browse_only INTEGER NOT NULL,
    auto_select INTEGER NOT NULL,
    downloaded INTEGER NOT NULL,
    uninstallable INTEGER NOT NULL,
    reboot_required INTEGER NOT NULL,
    size INTEGER NOT NULL,
    origin TEXT NOT NULL,
    reason TEXT NOT NULL,
    category_ids INTEGER NOT NULL,       -- category_sets.id
    offered INTEGER NOT NULL,
    held INTEGER NOT NULL,
    sha256 BLOB NOT NULL,                -- empty when the content is not in any index
    source INTEGER NOT NULL              -- sources.id; 0: known to the system only
);
CREATE TABLE category_sets (
    id INTEGER PRIMARY KEY,
    ids TEXT NOT NULL UNIQUE             -- GUIDs divided by blanks
);
CREATE TABLE category_members (
    category_id TEXT NOT NULL,
    set_id INTEGER NOT NULL,
    PRIMARY KEY (category_id, set_id)
) WITHOUT ROWID;
CREATE VIEW offer_categories AS          -- as search criteria name it
    SELECT update_id, category_id FROM offers JOIN category_members ON set_id = category_ids;
CREATE TABLE categories (
    id TEXT PRIMARY KEY,
    data BLOB NOT NULL
);
CREATE TABLE revisions (                 -- of updates that are gone, or are past their first revision
    update_id TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    sha256 BLOB NOT NULL
);
"""

# Made after the first filling, which is quicker so.
INDEXES: Final = """
CREATE INDEX IF NOT EXISTS offers_by_id ON offers(update_id);
CREATE INDEX IF NOT EXISTS offers_by_name ON offers(name);
CREATE INDEX IF NOT EXISTS offers_by_action ON offers(deployment_action, installed);
"""
DROP_INDEXES: Final = """
DROP INDEX IF EXISTS offers_by_id;
DROP INDEX IF EXISTS offers_by_name;
DROP INDEX IF EXISTS offers_by_action;
"""
