"""Image encodings. Pillow is imported when the first image is decoded, and not before."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from sluice.errors import SluiceError

if TYPE_CHECKING:
    from PIL.Image import Image


def _pillow() -> Any:
    try:
        import PIL.Image
    except ImportError as error:
        raise SluiceError("an image column needs Pillow: pip install 'sluice[images]'") from error
    return PIL.Image


def decode_compressed(value: memoryview) -> Image:
    """A JPEG or PNG file as a Pillow image, its pixels not yet decompressed."""
    image: Image = _pillow().open(BytesIO(value))
    return image


def decode_raw(value: memoryview) -> Image:
    """The `pil` encoding: u32 width, height and length of the mode's name, the name, the pixels row by row."""
    width, height, length = struct.unpack_from("<III", value)
    mode = str(value[12 : 12 + length], "utf-8")
    image: Image = _pillow().frombytes(mode, (width, height), bytes(value[12 + length :]))
    return image


def decode_jpeg_array(value: memoryview) -> list[Image]:
    """`jpeg_array`: u32 count (at least 1, as the reference requires), u32 lengths, the files."""
    if len(value) < 4:
        raise ValueError("too short to hold a number of images")
    (count,) = struct.unpack_from("<I", value)
    if count == 0:
        raise ValueError("holds no images")
    return _decode_sequence(value, 4, count, decode_compressed)


def list_decoder(element: Callable[[memoryview], Image]) -> Callable[[memoryview], list[Image]]:
    """`list[…]`: u32 reserved, u32 count, u32 lengths, the elements.

    Args:
        element: decodes one of them.
    """

    def decode(value: memoryview) -> list[Image]:
        (count,) = struct.unpack_from("<I", value, 4)
        return _decode_sequence(value, 8, count, element)

    return decode


def _decode_sequence(value: memoryview, start: int, count: int, element: Callable[[memoryview], Image]) -> list[Image]:
    at = start + 4 * count
    if at > len(value):
        raise ValueError(f"too short to hold the lengths of {count} images")
    images = []
    for length in struct.unpack_from(f"<{count}I", value, start):
        if at + length > len(value):
            raise ValueError("an image reaches past the end of its value")
        images.append(element(value[at : at + length]))
        at += length
    return images
