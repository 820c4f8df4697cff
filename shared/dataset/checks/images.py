"""The checks of one image: its address, or its data as far as their first bytes tell what they are.

Downloads nothing and decodes nothing. The limits of images are in the catalog.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from shared.catalog import facts
from shared.dataset.checks.shape import inner_keys
from shared.dataset.findings.finding import RawFinding
from shared.dataset.findings.quoting import quoted, shorten

DATA_URL = re.compile(r"data:image/(?:jpeg|png|webp);base64,", re.IGNORECASE)
DETAILS = ("low", "high", "auto")
IMAGE_KEYS = ("url", "detail")
_TAKEN = ("image/jpeg", "image/png", "image/webp")
_BEGINNINGS = {"iVBORw0KGgo": "png", "/9j/": "jpeg", "UklGR": "webp", "R0lGOD": "gif"}  # base64
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]++=?\s*+=?\s*+")
_CONVERT = "The service takes JPEG, PNG and WEBP: convert the image, to PNG for example."


def image_is_right(image: Any, index: int, path: tuple[str | int, ...]) -> Iterator[RawFinding]:
    url = image.get("url") if isinstance(image, dict) else None
    if not isinstance(image, dict):
        yield RawFinding("image-invalid", f"`image_url` is {quoted(image)}.", index, path)
    elif not isinstance(url, str):
        problem = f"The image's `url` is {quoted(url)}." if "url" in image else "It has no `url`."
        yield RawFinding("image-invalid", problem, index, path)
    if not isinstance(image, dict) or not isinstance(url, str):
        return
    yield from inner_keys(image, IMAGE_KEYS, index, path)
    if image.get("detail", "auto") not in DETAILS:
        problem = f"`detail` is {quoted(image['detail'])}, not low, high or auto."
        yield RawFinding(
            "image-invalid", problem, index, (*path, "detail"), "Write low, high or auto."
        )
    if DATA_URL.match(url) and (size := len(url) * 3 // 4) > facts.IMAGES.largest:
        problem = f"The image has {size / facts.MEGABYTE:.1f} MB."
        yield RawFinding("image-too-large", problem, index, path)
    elif wrong := _wrong_image(url):
        id = "image-mislabelled" if wrong.mislabelled else "image-invalid"
        yield RawFinding(id, wrong.problem, index, path, wrong.cure)
    elif not url.startswith(("data:", "https://", "http://")):
        yield RawFinding("image-invalid", f"The image's address is {shorten(url)}.", index, path)


class _Wrong(NamedTuple):
    """`mislabelled`: it is an image, of another kind than it says."""

    problem: str
    cure: str
    mislabelled: bool = False


def _wrong_image(url: str) -> _Wrong | None:
    """What is wrong with an image's data URL, or with data that stand where an address should."""
    if kind := _kind(url):
        cure = f"Put data:image/{kind};base64, before the data."
        return _Wrong("The image's data stand there without what they are.", cure)
    head, _, data = url.partition(",")
    if not url.startswith("data:"):
        return None
    said = head[5:].split(";")[0].lower()
    if said == "image/jpg":
        return _Wrong("The image is called image/jpg.", "Write image/jpeg for image/jpg.")
    if said not in _TAKEN:
        return _Wrong(f"The image is {quoted(head[:40])}.", _CONVERT)
    if not DATA_URL.match(url):
        cure = f"Write data:{said};base64, and the data in base64 after it."
        return _Wrong(f"The image's data stand behind {quoted(head[:40])}.", cure)
    return _wrong_data(said, data)


def _wrong_data(said: str, data: str) -> _Wrong | None:
    if not _BASE64.fullmatch(data):
        cure = "Encode the image's bytes, all of them, as base64.b64encode does."
        return _Wrong("The image's data are not base64.", cure)
    kind = _kind(data)
    if kind is None or f"image/{kind}" not in _TAKEN:
        what = f"are {kind.upper()}" if kind else "begin as no JPEG, PNG or WEBP does"
        return _Wrong(f"The image's data {what}.", _CONVERT)
    if said != f"image/{kind}":
        problem = f"The image is called {said}, and its data are {kind.upper()}."
        return _Wrong(problem, f"Write image/{kind} for {said}.", mislabelled=True)
    return None


def _kind(data: str) -> str | None:
    return next((kind for begins, kind in _BEGINNINGS.items() if data.startswith(begins)), None)
