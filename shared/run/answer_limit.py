"""How many tokens an answer of a comparison may have: those that the longest expected one has, and
half as many more. It is one limit for all who are asked.

Tokens are those of the base model's own tokenizer where that is known to be exact; of other models
twice as many are reckoned with. Knows texts, not who answers them.
"""

from collections.abc import Sequence

from shared.catalog import lookup
from shared.model.evaluation import Example

SHORTEST, LONGEST = 64, 4_096  # tokens that an answer may have, at the least and at the most
LONGER = 1.5  # times the longest answer that is expected
ANOTHER_TOKENIZER = 2  # times the tokens that ours makes of a text
PER_CALL = 16  # tokens around a call of a tool: nobody has published how many
THINKING = {"gpt-oss": 2_000}  # tokens more for models that think before they answer


def fitting(examples: Sequence[Example], base_model: str) -> tuple[tuple[Example, ...], int]:
    """Those whose expected answer fits into LONGEST tokens, and the limit for them. Takes a fifth
    of a second the first time."""
    lengths = _lengths(examples, base_model)
    found = tuple(one for one, n in zip(examples, lengths, strict=True) if n < LONGEST)
    longest = max((n for n in lengths if n < LONGEST), default=0)
    most = min(max(int(LONGER * longest), SHORTEST), LONGEST)
    thinks = (n for name, n in THINKING.items() if base_model.lower().startswith(name))
    return found, most + next(thinks, 0)


def _lengths(examples: Sequence[Example], base_model: str) -> list[int]:
    """Tokens of the answers that are expected."""
    from shared.dataset.measure.tokens import encoding  # numpy: no chat should wait for it

    known = lookup.find_model(base_model)
    counter = encoding(known.encoding if known else "o200k_base")
    times = 1 if known and known.exact_tokens else ANOTHER_TOKENIZER
    return [
        times * (len(counter.encode(_text(one))) + PER_CALL * len(one.expected.calls))
        for one in examples
    ]


def _text(example: Example) -> str:
    called = (call.name + call.arguments for call in example.expected.calls)
    return "".join([example.expected.text, *called])
