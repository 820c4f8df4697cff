"""Datasets to drop."""

import json


def dataset(count: int, voice: str = "Arr") -> bytes:
    """`count` good examples; another voice makes another content."""
    return b"".join(
        json.dumps(
            {
                "messages": [
                    {"role": "user", "content": f"What is {number}?"},
                    {"role": "assistant", "content": f"{voice}, {number} be a number."},
                ]
            }
        ).encode()
        + b"\n"
        for number in range(count)
    )
