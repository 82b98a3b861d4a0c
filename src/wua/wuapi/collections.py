"""Lists of strings, updates and other objects, with the index, change and copy rules of wuapi.h."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from wua.model import codes
from wua.wuapi.declare import ComObject
from wua.wuapi.errors import fail

if TYPE_CHECKING:
    from wua.wuapi.updates import Update  # noqa: F401 - named in a base class below

T = TypeVar("T")


class Listing(ComObject, Generic[T]):
    """What every collection offers. ``coll(i)``, ``coll[i]``, ``len(coll)`` and iteration are late binding's.

    ``Item(i)`` out of range is WU_E_INVALIDINDEX, ``coll[i]`` an IndexError. Iteration is live: what is added
    on the way is met. Like any COM object a collection is true even when it is empty.
    """

    __slots__ = ("_items",)
    _items: Sequence[T]

    def __init__(self, items: Sequence[T] = ()) -> None:
        self._items = items

    def Item(self, index: int) -> T:
        """The element at a zero-based index. Raises ComError WU_E_INVALIDINDEX."""
        return self._items[self._place(index)]

    @property
    def _NewEnum(self) -> Iterator[T]:
        """An iterator over the elements, live: what is added on the way is met."""
        return iter(self._items)

    @property
    def Count(self) -> int:
        """How many elements there are."""
        return len(self._items)

    def _place(self, index: int, *, end: bool = False) -> int:
        if not 0 <= index < len(self._items) + end:
            fail(codes.WU_E_INVALIDINDEX, f"index {index} of {len(self._items)} elements")
        return index

    def __call__(self, index: int) -> T:
        return self.Item(index)

    def __getitem__(self, index: int) -> T:
        if not 0 <= index < len(self._items):
            raise IndexError(index)
        return self._items[index]

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __bool__(self) -> bool:
        return True


class Editable(Listing[T]):
    """A collection that can be changed unless it is read-only, which never changes in its life."""

    __slots__ = ("_read_only",)

    def __init__(self, items: Iterable[T] = (), *, read_only: bool = False) -> None:
        # What is read-only may be anything that has places, such as objects that are made when asked for.
        super().__init__(items if read_only and isinstance(items, Sequence) else list(items))
        self._read_only = read_only

    @property
    def ReadOnly(self) -> bool:
        """Whether the list refuses changes, for all its life."""
        return self._read_only

    def put_Item(self, index: int, value: T) -> None:
        """Replace the element at an index.

        Raises:
            ComError: E_POINTER for null; WU_E_INVALIDINDEX; WU_E_NOT_SUPPORTED when it is read-only.
        """
        items = self._list()
        items[self._place(index)] = self._element(value)

    def Add(self, value: T) -> int:
        """Append an element, the same one twice if so wished; answers its index.

        Raises:
            ComError: E_POINTER for null; WU_E_NOT_SUPPORTED when it is read-only.
        """
        items = self._list()
        items.append(self._element(value))
        return len(items) - 1

    def Clear(self) -> None:
        """Remove all elements. Raises ComError WU_E_NOT_SUPPORTED when it is read-only."""
        self._list().clear()

    def Copy(self) -> Self:
        """A new list with the same elements, which can be changed whether or not this one can."""
        return type(self)(self._items)

    def Insert(self, index: int, value: T) -> None:
        """Put an element at an index; the index after the last element appends.

        Raises:
            ComError: E_POINTER for null; WU_E_INVALIDINDEX; WU_E_NOT_SUPPORTED when it is read-only.
        """
        items = self._list()
        items.insert(self._place(index, end=True), self._element(value))

    def RemoveAt(self, index: int) -> None:
        """Take out the element at an index.

        Raises:
            ComError: WU_E_INVALIDINDEX; WU_E_NOT_SUPPORTED when it is read-only.
        """
        items = self._list()
        del items[self._place(index)]

    def _list(self) -> list[T]:
        if self._read_only or not isinstance(self._items, list):
            fail(codes.WU_E_NOT_SUPPORTED, "the collection is read-only")
        return self._items

    @staticmethod
    def _element(value: T) -> T:
        if value is None:
            fail(codes.E_POINTER, "a collection holds no null")
        return value

    def __setitem__(self, index: int, value: T) -> None:
        self.put_Item(index, value)


class StringCollection(Editable[str], interfaces=("IStringCollection",)):
    """A list of strings (IStringCollection, ``Microsoft.Update.StringColl``)."""

    __slots__ = ()


class UpdateCollection(Editable["Update"], interfaces=("IUpdateCollection",)):
    """A list of updates (IUpdateCollection, ``Microsoft.Update.UpdateColl``); a copy shares the updates."""

    __slots__ = ()


def strings(values: Iterable[str] = ()) -> StringCollection:
    """A read-only list of strings, as updates hand them out."""
    return StringCollection(tuple(values), read_only=True)


def updates(values: Sequence[Any] = ()) -> UpdateCollection:
    """A read-only list of updates, as results and jobs hand them out."""
    return UpdateCollection(values, read_only=True)
