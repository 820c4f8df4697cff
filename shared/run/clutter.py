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
KINDS = (HIDDEN, FOLDERS, FILES, EDITED, UNFINISHED)
_PART = re.compile("|".join(KINDS), re.IGNORECASE | re.DOTALL)


def is_clutter(path: str) -> bool:
    """Whether a part of the path is one that programs make for themselves, or it is a folder's."""
    return path.endswith("/") or any(_PART.fullmatch(part) for part in path.split("/"))
