"""Lines with images: what of the message and of the cure must be said for each cause."""

from tests.dataset.builders import ANSWER, talk
from tests.dataset.cures_of_json import Cure

DATA = "iVBORw0KGgo="


def shown(url: str, **others: str) -> bytes:
    part = {"type": "image_url", "image_url": {"url": url, **others}}
    return talk({"role": "user", "content": [part]}, ANSWER)


def beside(**others: str) -> bytes:
    part = {"type": "image_url", "image_url": {"url": "https://x/y.png"}, **others}
    return talk({"role": "user", "content": [part]}, ANSWER)


IMAGES = [
    Cure(id, content, wrong, cure)
    for id, content, wrong, cure in (
        ("image-invalid", shown(f"data:image/jpg;base64,{DATA}"), "image/jpg", "image/jpeg for"),
        ("image-invalid", shown("data:image/gif;base64,R0lGOD"), "image/gif", "to PNG"),
        ("image-invalid", shown("data:image/png;base64,R0lGODlh"), "are GIF", "to PNG"),
        ("image-invalid", shown("data:image/png;base64,Qk1AAAAA"), "begin as no", "to PNG"),
        ("image-invalid", shown("data:image/png;base64,iVBORw0KGgo@"), "not base64", "b64encode"),
        ("image-invalid", shown("data:image/png;base64,"), "not base64", "b64encode"),
        ("image-invalid", shown(f"data:image/png,{DATA}"), "stand behind", "data:image/png;base64"),
        ("image-invalid", shown(DATA), "without what they are", "Put data:image/png;base64,"),
        ("image-invalid", shown("https://x/y.png", detail="medium"), '"medium"', "low, high or"),
        ("image-mislabelled", shown(f"data:image/jpeg;base64,{DATA}"), "are PNG", "image/png for"),
        ("inner-key-unknown", shown("https://x/y.png", format="png"), '"format"', "Remove it"),
        ("inner-key-unknown", beside(detail="low"), '"detail"', "into `image_url`"),
    )
]
