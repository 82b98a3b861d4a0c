"""Pictures of updates and categories (IImageInformation)."""

from wua.model.updates import Image
from wua.wuapi.declare import ComObject


class ImageInformation(ComObject, interfaces=("IImageInformation",)):
    """A picture (IImageInformation). Debian's updates have none; other sources may."""

    __slots__ = ("_image",)

    def __init__(self, image: Image) -> None:
        self._image = image

    @property
    def AltText(self) -> str:
        """The text that stands for it where it is not shown; empty for none."""
        return self._image.text

    @property
    def Height(self) -> int:
        """Pixels."""
        return self._image.height

    @property
    def Source(self) -> str:
        """The URL of the picture."""
        return self._image.source

    @property
    def Width(self) -> int:
        """Pixels."""
        return self._image.width


def picture(image: Image | None) -> ImageInformation | None:
    """The object of an image; None for none, as the original answers too."""
    return None if image is None else ImageInformation(image)
