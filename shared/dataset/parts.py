"""The checks of content that is a list of parts: texts and images.

Limits of images: Azure OpenAI's guide to fine-tuning with vision, read 2026-11.
"""

import re
from collections.abc import Iterator
from typing import Any

from shared.dataset.catalog import IMAGES_PER_EXAMPLE, LARGEST_IMAGE, MEGABYTE
from shared.dataset.checks import at, objects
from shared.dataset.examples import Example, Fault
from shared.dataset.quoting import shorten

_DATA = re.compile(r"data:image/(?:jpeg|png|webp);base64,", re.IGNORECASE)
_DETAILS = ("low", "high", "auto")


def parts_are_right(example: Example) -> Iterator[Fault]:
    for index, message in objects(example):
        content = message.get("content")
        if isinstance(content, list):
            for number, part in enumerate(content):
                yield from _part(part, message.get("role"), index, at(index, "content", number))
    if (count := images(example)) > IMAGES_PER_EXAMPLE:
        yield Fault("too-many-images", f"The example has {count} images.")


def images(example: Example) -> int:
    return sum(
        isinstance(part, dict) and part.get("type") == "image_url"
        for _, message in objects(example)
        for part in (message["content"] if isinstance(message.get("content"), list) else ())
    )


def _part(part: Any, role: Any, index: int, path: tuple[str | int, ...]) -> Iterator[Fault]:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in ("text", "refusal"):
        text = part.get(kind)
        if not isinstance(text, str) or not text.strip():
            yield Fault("content-missing", f"A part of type {kind} has no text.", index, path)
    elif kind == "image_url":
        if role != "user":
            who = shorten(role)
            yield Fault("image-misplaced", f"A message from the {who} has an image.", index, path)
        yield from _image(part.get("image_url"), index, (*path, "image_url"))
    else:
        yield Fault("content-invalid", f"A part is {shorten(part)}.", index, path)


def _image(image: Any, index: int, path: tuple[str | int, ...]) -> Iterator[Fault]:
    url = image.get("url") if isinstance(image, dict) else None
    if not isinstance(url, str):
        yield Fault("image-invalid", f"`image_url` is {shorten(image)}.", index, path)
        return
    if image.get("detail", "auto") not in _DETAILS:
        what = f"`detail` is {shorten(image['detail'])}, not low, high or auto."
        yield Fault("image-invalid", what, index, (*path, "detail"))
    if url.startswith("data:"):
        if not _DATA.match(url):
            yield Fault("image-invalid", f"The image is {shorten(url, 40)}.", index, path)
        elif (size := len(url) * 3 // 4) > LARGEST_IMAGE:
            what = f"The image has {size / MEGABYTE:.1f} MB."
            yield Fault("image-too-large", what, index, path)
    elif not url.startswith(("https://", "http://")):
        yield Fault("image-invalid", f"The image's address is {shorten(url)}.", index, path)
