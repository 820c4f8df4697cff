"""`python -m docs.generate [--check]`: write the pages made from code, or say which are old."""

import argparse
import sys

from docs.generate import DOCS, PageError, pages, stale


def main() -> int:
    parser = argparse.ArgumentParser("dev.py docs")
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    try:
        old, count = stale(), len(pages())
    except PageError as error:
        print(f"dev.py docs: {error}", file=sys.stderr)
        return 1
    for path, text in old.items():
        print(f"{'is old' if check else 'made'}: docs/{path.relative_to(DOCS).as_posix()}")
        if not check:
            path.write_text(text, encoding="utf-8", newline="\n")
    print(f"{count} pages are made from code; {len(old)} {'are' if check else 'were'} old")
    return 1 if check and old else 0


if __name__ == "__main__":
    sys.exit(main())
