"""Names of blobs that nobody meant to drop: what stands for a folder, what desktops and mounts
leave behind, and uploads that get their own name when they are done.

None of them is the name of a dataset. Knows names, nothing else.
"""

import re

HIDDEN = r"\.(?!\.?$).+"  # .DS_Store, ._training.jsonl, .git, .nfs…; but not . and ..
FOLDERS = r"__macosx|@eadir|\$recycle\.bin|system volume information|_temporary"
FILES = r"(eh)?thumbs\.db(:.*)?|desktop\.ini|icon\r|_success|_(committed|started)_.*"
EDITED = r"~\$.*|.*~|#.*#"  # locks of office programs; copies of editors
UNFINISHED = (
    r".*\.(part|partial|filepart|crdownload|opdownload|download|tmp|temp|gstmp|swp|swo|_copying_)"
)
_FOLDER = re.compile(f"{HIDDEN}|{FOLDERS}", re.IGNORECASE | re.DOTALL)
_FILE = re.compile(rf"\A(?:{FILES}|{EDITED}|{UNFINISHED})", re.IGNORECASE | re.DOTALL)


def is_clutter(path: str) -> bool:
    """Whether the path ends as a folder's, or a part of it is what programs make for themselves."""
    *_, last = parts = path.split("/")
    hidden = any(_FOLDER.fullmatch(part) for part in parts)
    return not last or hidden or _FILE.fullmatch(last) is not None
