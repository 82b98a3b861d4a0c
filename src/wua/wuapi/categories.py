"""Categories and their tree (ICategory, ICategoryCollection)."""

from collections.abc import Iterable, Sequence

from wua.model.updates import Category as Described
from wua.wuapi.collections import Listing, UpdateCollection, updates
from wua.wuapi.declare import ComObject
from wua.wuapi.images import ImageInformation, picture
from wua.wuapi.updates import Update


class Category(ComObject, interfaces=("ICategory",)):
    """A company, product family, product or classification, as one search or one history knows it."""

    __slots__ = ("_category", "_tree")

    def __init__(self, tree: "CategoryTree", category: Described) -> None:
        self._tree, self._category = tree, category

    @property
    def Name(self) -> str:
        """Its name, for people."""
        return self._category.name

    @property
    def CategoryID(self) -> str:
        """A GUID; that of the well-known classifications is the original one."""
        return self._category.id

    @property
    def Children(self) -> "CategoryCollection":
        """The categories right below it, in their order."""
        return self._tree.below(self._category.id)

    @property
    def Description(self) -> str:
        """What belongs to it, for people; possibly empty."""
        return self._category.description

    @property
    def Image(self) -> ImageInformation | None:
        """Its picture; None for none, as for every category on Debian."""
        return picture(self._category.image)

    @property
    def Order(self) -> int:
        """Its place among its siblings; lower comes first."""
        return self._category.order

    @property
    def Parent(self) -> "Category | None":
        """The category above it; None for a root."""
        return self._tree.find(self._category.parent_id)

    @property
    def Type(self) -> str:
        """One of Company, ProductFamily, Product and UpdateClassification.

        Differs: Debian has products and classifications, and nothing above them.
        """
        return self._category.type

    @property
    def Updates(self) -> UpdateCollection:
        """The updates of this search that belong immediately to it, installed or not; none for a history."""
        return self._tree.updates_of(self._category.id)


class CategoryCollection(Listing[Category], interfaces=("ICategoryCollection",)):
    """A list of categories (ICategoryCollection)."""

    __slots__ = ()


class CategoryTree:
    """The categories that belong together; one object for each, however it is reached."""

    def __init__(self, categories: Iterable[Described]) -> None:
        ordered = sorted(categories, key=lambda category: category.order)
        self._described = {category.id: category for category in ordered}
        self._nodes: dict[str, Category] = {}
        self._lists: dict[tuple[str, ...], CategoryCollection] = {}
        self.updates: Sequence[Update] = ()

    def find(self, category_id: str) -> Category | None:
        """The category with an id; None when there is none."""
        described = self._described.get(category_id)
        if described is None:
            return None
        return self._nodes.setdefault(category_id, Category(self, described))

    def of(self, category_ids: Iterable[str]) -> CategoryCollection:
        """The categories with these ids, as far as they are known."""
        ids = tuple(category_ids)
        known = self._lists.get(ids)  # thousands of updates share a few combinations
        if known is None:
            found = (self.find(each) for each in ids)
            known = self._lists[ids] = CategoryCollection([each for each in found if each is not None])
        return known

    def below(self, parent_id: str) -> CategoryCollection:
        """The children of a category, in order."""
        return self.of(each.id for each in self._described.values() if each.parent_id == parent_id)

    @property
    def roots(self) -> CategoryCollection:
        """Those without a parent here."""
        return self.of(each.id for each in self._described.values() if each.parent_id not in self._described)

    def updates_of(self, category_id: str) -> UpdateCollection:
        """The updates that name a category themselves."""
        return updates([each for each in self.updates if category_id in each._offer.category_ids])
