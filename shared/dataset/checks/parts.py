"""The checks of content that is a list of parts: texts and images.

The limits of images are in the catalog.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from shared.catalog import facts
from shared.dataset.checks.images import IMAGE_KEYS, image_is_right
from shared.dataset.checks.shape import at, inner_keys, objects
from shared.dataset.findings.finding import RawFinding
from shared.dataset.findings.quoting import quoted, shorten
from shared.dataset.reading.examples import Example

BESIDE = "Move it into `image_url`: here it does nothing."


def parts_are_right(example: Example) -> Iterator[RawFinding]:
    for index, message in objects(example):
        content = message.get("content")
        if isinstance(content, list) and message.get("role") != "tool":  # that must be a text
            if _says_nothing_beside_calls(message):
                continue
            for number, part in enumerate(content):
                yield from _part(part, message.get("role"), index, at(index, "content", number))
    if (count := sum(count_images(example.get("messages")))) > facts.IMAGES.per_example:
        yield RawFinding("too-many-images", f"The example has {count} images.")


def _says_nothing_beside_calls(message: Example) -> bool:
    """As the content of a call: a text that is empty, in a part."""
    return (
        message.get("role") == "assistant"
        and bool(message.get("tool_calls"))
        and all(part == {"type": "text", "text": ""} for part in message["content"])
    )


def shown_parts(messages: Any) -> Iterator[tuple[int, Any]]:
    """The parts of messages of whatever shape that are no texts, each with its message's number."""
    for index, message in objects({"messages": messages}):
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if not isinstance(part, dict) or part.get("type") not in ("text", "refusal"):
                yield index, part


class ImageCount(NamedTuple):
    """By what they are looked at with: `high` is also whatever does not say `low`."""

    low: int = 0
    high: int = 0


def count_images(*lists: Any) -> ImageCount:
    """The images in lists of messages, of whatever shape."""
    details = [
        image.get("detail") if isinstance(image := part.get("image_url"), dict) else None
        for messages in lists
        for _, part in shown_parts(messages)
        if isinstance(part, dict) and part.get("type") == "image_url"
    ]
    low = details.count("low")
    return ImageCount(low, len(details) - low)


def _part(part: Any, role: Any, index: int, path: tuple[str | int, ...]) -> Iterator[RawFinding]:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in ("text", "refusal"):
        yield from inner_keys(part, ("type", kind), index, path)
        text = part.get(kind)
        if not isinstance(text, str) or not text or text.isspace():
            yield RawFinding("content-missing", f"A part of type {kind} has no text.", index, path)
    elif kind == "image_url":
        if role != "user":
            who = shorten(role)
            yield RawFinding(
                "image-misplaced", f"A message from the {who} has an image.", index, path
            )
        for finding in inner_keys(part, ("type", "image_url"), index, path):
            fix = BESIDE if finding.path[-1] in IMAGE_KEYS else None
            yield finding._replace(fix=fix or finding.fix)
        yield from image_is_right(part.get("image_url"), index, (*path, "image_url"))
    else:
        fix = None
        if kind in ("input_text", "output_text"):
            fix = f"This is the Responses API's way: write text for {kind}."
        yield RawFinding("content-invalid", _wrong_part(part), index, path, fix)


def _wrong_part(part: Any) -> str:
    if not isinstance(part, dict):
        return f"A part is {quoted(part)}, not an object with a type."
    if "type" not in part:
        return f"A part has no type: {quoted(part)}."
    return f"A part's type is {quoted(part['type'])}, not text, refusal or image_url."
