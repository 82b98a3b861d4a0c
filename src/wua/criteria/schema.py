"""The tables that criteria compile to: every name of theirs that this package uses.

``offers`` has one row per offer, its columns named as the fields of ``wua.model.updates.Offer``.
``offer_categories`` has one row per category that an offer is a member of.
"""

from typing import Final

OFFERS: Final = "offers"
OFFER_CATEGORIES: Final = "offer_categories"
UPDATE_ID: Final = "update_id"  # in both tables
CATEGORY_ID: Final = "category_id"
