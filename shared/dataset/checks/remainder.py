"""What is left of an example once its messages' texts, its tools and its calls are taken out.

The service is sent the whole example, so all of it must be counted and searched. Only what is
known, checked and short is left out here; whatever else stands in an example, at any place and of
any type, is in the remainder. Ordinary examples have none.
"""

from collections.abc import Callable
from typing import Any

from shared.dataset.checks.images import DATA_URL, DETAILS
from shared.dataset.reading.examples import ROLES, Example

LONGEST_ID = 40  # characters of a call's id, which is counted where the call is
LONGEST_ADDRESS = 2_000  # characters of an image's address: what is fetched from it is counted
_COUNTED_PARTS = ("text", "refusal", "image_url")  # types of parts: short words


def remainder(example: Example) -> list[Any]:
    """Of a conversation, or of a part of a preference that holds `messages`."""
    listed = example.get("messages")
    found = [_known_keys_removed(example, _is_counted_of_example)]
    found += map(_of_message, listed) if isinstance(listed, list) else []
    return [one for one in found if one]


def _of_message(message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    rest = _known_keys_removed(message, _is_counted_of_message)
    content = message.get("content")
    if isinstance(content, list) and (parts := [part for part in map(_of_part, content) if part]):
        rest["content"] = parts
    return rest


def _of_part(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    rest = _known_keys_removed(part, _is_counted_of_part)
    image = part.get("image_url")
    if part.get("type") == "image_url" and isinstance(image, dict):
        rest["image_url"] = _known_keys_removed(image, _is_counted_of_image)
        rest = {key: value for key, value in rest.items() if value != {}}
    return rest


def _known_keys_removed(
    value: dict[str, Any], is_counted: Callable[[str, Any], bool]
) -> dict[str, Any]:
    return {
        key: part for key, part in value.items() if part is not None and not is_counted(key, part)
    }


def _is_counted_of_example(key: str, value: Any) -> bool:
    if key == "parallel_tool_calls":
        return isinstance(value, bool)
    return key == "tools" or (key == "messages" and isinstance(value, list))


def _is_counted_of_message(key: str, value: Any) -> bool:
    match key:
        case "role":
            return isinstance(value, str) and value in ROLES
        case "content":
            return isinstance(value, str | list)
        case "weight":
            return value in (0, 1)
        case "tool_calls":
            return isinstance(value, list)
        case "tool_call_id":
            return isinstance(value, str) and len(value) <= LONGEST_ID
    return False


def _is_counted_of_part(key: str, value: Any) -> bool:
    if key == "type":
        return isinstance(value, str) and value in _COUNTED_PARTS
    return key == "text" and isinstance(value, str)


def _is_counted_of_image(key: str, value: Any) -> bool:
    if key == "detail":
        return isinstance(value, str) and value in DETAILS
    return key == "url" and isinstance(value, str) and _is_image(value)


def _is_image(url: str) -> bool:
    """Is it counted as an image? A long text is none because it begins like an address."""
    short = len(url) <= LONGEST_ADDRESS and url.startswith(("https://", "http://"))
    return short or DATA_URL.match(url) is not None
