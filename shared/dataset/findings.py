"""The table of findings: every id with its severity, what it means, why it matters, how to mend it.

`docs/findings.md` is generated from here. Knows nothing of how a finding is found.
"""

from typing import NamedTuple

from shared.dataset.examples import Severity

ERROR, WARNING, ADVICE = Severity.ERROR, Severity.WARNING, Severity.ADVICE


class Kind(NamedTuple):
    id: str
    severity: Severity
    title: str
    why: str
    fix: str


_GROUPS: dict[str, tuple[Kind, ...]] = {
    "The file": (
        Kind("empty", ERROR, "No examples",
             "There is nothing to train on.", "Write one example on each line."),
        Kind("too-few-examples", ERROR, "Fewer examples than the service takes",
             "Azure OpenAI refuses a training file with fewer than 10 examples.",
             "Add examples; 50 good ones are a sensible start."),
        Kind("few-examples", ADVICE, "Few examples",
             "Between 10 and 49 examples a job runs, and seldom changes much.",
             "Aim at 50 to 100 examples that are consistent, varied and right."),
        Kind("file-too-large", ERROR, "Larger than the service takes",
             "A file for fine-tuning may have 512 MB.",
             "Split the file, or leave out what is repeated."),
        Kind("file-large", ADVICE, "Large for a plain upload",
             "Uploads over 150 MB have been seen to fail later, inside the job.",
             "Keep it below 150 MB if you can; fewer and better examples usually teach as much."),
        Kind("compressed", ERROR, "Compressed, not text",
             "The service reads JSONL and does not unpack anything.",
             "Unpack the file and drop the .jsonl that was in it."),
        Kind("utf16", ERROR, "UTF-16 or UTF-32, not UTF-8",
             "Editors on Windows call this encoding Unicode; the service reads UTF-8 only.",
             "Save the file as UTF-8."),
        Kind("not-utf8", ERROR, "A byte that is not UTF-8",
             "The line cannot be read as text.", "Save the file as UTF-8."),
        Kind("byte-order-mark", ADVICE, "Begins with a byte order mark",
             "Azure takes it and its guide even asks for it; many other tools stumble over it.",
             "Leave it, or let `tunedrop check --fix` remove it."),
        Kind("blank-line", ADVICE, "Blank lines",
             "They are skipped here; another reader may count or refuse them.",
             "Remove them; `tunedrop check --fix` does."),
        Kind("line-too-long", ERROR, "A line too long to be read",
             "A line over 32 MB is not read, so that any file can be checked in little memory.",
             "Put each example on its own line, and link to images instead of embedding them."),
        Kind("mixed-formats", ERROR, "Two formats in one file",
             "A file holds conversations or preferences, never both: a job has one method.",
             "Put each format in a file of its own."),
        Kind("wrong-format", ERROR, "Not the format of the method",
             "Supervised training wants `messages`; DPO wants `input` and two outputs.",
             "Change `method` in run.yaml, or write the examples in its format."),
    ),
    "JSON": (
        Kind("not-json", ERROR, "Not JSON",
             "One line that cannot be parsed makes the service refuse the whole file.",
             "Write one complete JSON object on each line."),
        Kind("not-object", ERROR, "Not an object",
             "Each line must be an example.", 'Write {"messages": […]} on each line.'),
        Kind("not-a-number", ERROR, "NaN or Infinity",
             "Python writes these, JSON has no such values.", "Write a number, or leave it out."),
        Kind("duplicate-key", ERROR, "A key twice in one object",
             "Readers keep one of the two values, and not all keep the same one.",
             "Remove one of them."),
        Kind("lone-surrogate", ERROR, "Half a character",
             "An escape such as \\ud83d without its other half is no text; it comes from cutting "
             "a string in the middle of an emoji.", "Cut texts between characters."),
        Kind("unknown-key", ERROR, "A key that the format does not have",
             "The service refuses keys that it does not know.", "Remove it."),
    ),
    "Conversations": (
        Kind("messages-missing", ERROR, "No messages",
             "An example is a list of messages.",
             'Write {"messages": [{"role": "user", "content": …}, …]}.'),
        Kind("message-not-object", ERROR, "A message that is no object",
             "Every message has a role and a content.", 'Write {"role": …, "content": …}.'),
        Kind("role-unknown", ERROR, "A role that does not exist",
             "The service knows system, developer, user, assistant and tool.",
             "Use one of system, developer, user, assistant, tool."),
        Kind("content-missing", ERROR, "No content",
             "Only an assistant message that calls tools may come without content.",
             "Give it a text, or remove the message."),
        Kind("content-invalid", ERROR, "Content of the wrong type",
             "Content is a text, or a list of parts that each have a type.",
             'Write a text, or [{"type": "text", "text": …}].'),
        Kind("name-invalid", ERROR, "A name that is not allowed",
             "`name` may have letters, digits, _ and -, 64 at most.",
             "Correct it or leave it out."),
        Kind("no-user", WARNING, "Nobody asks",
             "Without a user message the model learns to speak unasked.", "Add the question."),
        Kind("no-assistant", ERROR, "Nobody answers",
             "The assistant's messages are what the model learns.", "Add the answer."),
        Kind("last-not-assistant", ERROR, "Does not end with the assistant",
             "What comes after the last answer teaches nothing, and the service refuses it.",
             "End the example with the assistant's answer: it is what the model learns."),
        Kind("system-late", WARNING, "A system message in the middle",
             "Instructions belong before the conversation; chats are seldom built otherwise.",
             "Move it to the beginning."),
        Kind("same-role-twice", ADVICE, "Two messages of one role in a row",
             "A chat alternates; messages in a row are often one message torn apart.",
             "Join them, if they are one."),
    ),
    "Weights": (
        Kind("weight-misplaced", ERROR, "A weight where none may be",
             "Only assistant messages are learned, so only they may have a weight.",
             "Remove it."),
        Kind("weight-invalid", ERROR, "A weight other than 0 and 1",
             "There is nothing between learning a message and not learning it.",
             "Use 0 (do not learn this message) or 1 (learn it)."),
        Kind("nothing-to-learn", WARNING, "All weights are zero",
             "The example is paid for and teaches nothing.",
             "Give one answer the weight 1, or remove the example."),
        Kind("nothing-to-learn-at-all", ERROR, "All weights of the file are zero",
             "The job would cost money and change nothing.", "Give the answers the weight 1."),
    ),
    "Tools": (
        Kind("tools-invalid", ERROR, "Tools that are not declared right",
             "A tool is a function with a name and a JSON schema of its parameters.",
             'Write {"type": "function", "function": {"name": …, "parameters": {…}}}.'),
        Kind("tool-declared-twice", ERROR, "Two tools of one name",
             "A call could mean either.", "Rename or remove one."),
        Kind("tool-call-invalid", ERROR, "A tool call of the wrong shape",
             "A call has an id, the type function, and a function with name and arguments.",
             'Write {"id": …, "type": "function", "function": {"name": …, "arguments": "{…}"}}.'),
        Kind("tool-call-misplaced", ERROR, "A tool call outside of an assistant message",
             "Only the assistant calls tools.", "Move it to the assistant's message."),
        Kind("arguments-not-json", ERROR, "Arguments that are not JSON",
             "The model would learn to write calls that no program can read.",
             "Write the arguments as a JSON object in a string."),
        Kind("arguments-mismatch", WARNING, "Arguments that break the tool's own schema",
             "The model would learn to call the tool wrongly.",
             "Correct the arguments, or the schema."),
        Kind("tool-undeclared", ERROR, "A call of a tool that is not declared",
             "The model would learn to invent tools.", "Declare it in `tools`."),
        Kind("tool-unused", ADVICE, "A tool that no example calls",
             "Its definition is paid for in every example that declares it, and teaches nothing "
             "unless not calling it is the lesson.", "Show a call of it, or leave it out."),
        Kind("call-unanswered", ERROR, "A tool call without an answer",
             "A conversation goes on after a call only with the tool's answer.",
             "Add a tool message with the call's id, before the next message."),
        Kind("answer-without-call", ERROR, "A tool message that answers no call",
             "Its tool_call_id must be that of a call just before it.",
             "Use the id of the call, or remove the message."),
    ),
    "Images": (
        Kind("image-invalid", ERROR, "An image part of the wrong shape",
             "An image is an https link or a data URL of a JPEG, PNG or WEBP.",
             'Write {"type": "image_url", "image_url": {"url": "https://…"}}.'),
        Kind("image-misplaced", ERROR, "An image outside of a user message",
             "Only users may show images.", "Move it to a user message."),
        Kind("image-too-large", ERROR, "An image over 10 MB",
             "The service skips it or refuses the file.", "Make the image smaller."),
        Kind("too-many-images", ERROR, "More than 64 images in one example",
             "The service takes 64.", "Split the example."),
        Kind("too-many-image-examples", ERROR, "More than 50,000 examples with images",
             "The service takes 50,000.", "Leave some out."),
    ),
    "Preferences (DPO)": (
        Kind("preference-invalid", ERROR, "A preference of the wrong shape",
             "A preference has an input and two outputs: one preferred, one not.",
             'Write {"input": {"messages": […]}, "preferred_output": [{"role": "assistant", …}], '
             '"non_preferred_output": […]}.'),
        Kind("preference-same", WARNING, "Both outputs are the same",
             "There is nothing to prefer.", "Make them differ, or remove the example."),
    ),
    "Tokens": (
        Kind("example-too-long", ERROR, "More tokens than the base model takes",
             "What is over the limit is cut off at the end, where the answer is, or the job fails.",
             "Shorten or split the example."),
        Kind("too-many-tokens", ERROR, "More tokens than a job may have",
             "Tokens times epochs may be 2,000,000,000 for one job.",
             "Train on fewer examples or for fewer epochs."),
    ),
    "Repetition": (
        Kind("duplicate", WARNING, "The same example again",
             "It is paid for again, and learned twice as hard.",
             "Keep one; `tunedrop check --fix` does."),
        Kind("near-duplicate", ADVICE, "Almost the same example again",
             "Variations of one text make a set look larger than it is.",
             "Keep the best of each group, if they are meant to be different."),
        Kind("conflicting-answers", WARNING, "The same prompt with another answer",
             "The model can learn only a mixture of the answers.",
             "Decide on one answer, or say in the prompt what makes the difference."),
        Kind("leakage", WARNING, "A validation example that is in the training set",
             "The validation loss then says how well the model remembers, not how well it learned.",
             "Remove it from one of the files; `tunedrop split` makes sets without leakage."),
        Kind("leakage-prompt", WARNING, "A validation prompt that is in the training set",
             "The model has seen the question, with another answer.",
             "Keep each question in one of the files."),
        Kind("leakage-near", WARNING, "A validation example that is almost in the training set",
             "Nearly the same text was trained on, so the validation loss flatters.",
             "Keep variations together in one file; `tunedrop split` does."),
    ),
    "Privacy": (
        Kind("personal-data", WARNING, "Personal data",
             "A tuned model can repeat what it was trained on, and data full of personal details "
             "makes the service's safety check fail more often.",
             "Replace it by invented values."),
        Kind("secret", WARNING, "A key or a token",
             "A tuned model can repeat it to anybody who chats.",
             "Revoke it now, and replace it by a placeholder."),
    ),
    "Content": (
        Kind("control-character", WARNING, "Control characters",
             "Invisible characters come from broken exports; the model would learn to write them.",
             "Remove them."),
        Kind("broken-text", WARNING, "Text in the wrong encoding",
             "Texts such as Ã© for é were decoded wrongly before they came here.",
             "Read the source with its real encoding and export it again."),
        Kind("whitespace", ADVICE, "Whitespace around an answer",
             "The model learns to write it too.", "Remove it; `tunedrop check --fix` does."),
        Kind("refusal", ADVICE, "An answer that refuses",
             "A few refusals teach a model to refuse far more than it should.",
             "Keep it only if refusing is the lesson."),
        Kind("answer-cut", ADVICE, "An answer that looks cut off",
             "Answers cut at a limit teach the model to stop in mid-sentence.",
             "Complete the answer, or remove the example."),
        Kind("answer-copies-prompt", WARNING, "An answer that is part of its prompt",
             "The model learns to repeat the question.", "Write the answer that is wanted."),
        Kind("answer-outlier", ADVICE, "An answer of unusual length",
             "Far from what the other answers have; often a mistake in an export.",
             "Look at it, and keep it if it is right."),
        Kind("system-drift", ADVICE, "System prompts that differ",
             "The model answers best with the system prompt it was trained with; several "
             "versions of it weaken each other.",
             "Use one wording, and send the same when you chat."),
    ),
    "The run": (
        Kind("model-unknown", WARNING, "A base model that is not in the table",
             "Its limits and prices are not known here; the service may still take it.",
             "Check the name, with its date."),
        Kind("model-not-tunable", ERROR, "A base model that cannot be tuned this way",
             "The service would refuse the job.", "Choose another base model or method."),
        Kind("model-retires", WARNING, "A base model that retires soon",
             "Its tuned versions stop answering some time after.",
             "Plan to train again on a newer base model."),
        Kind("validation-old", WARNING, "A validation set of an earlier drop",
             "It was left in the folder and is used: its losses say something only if it belongs "
             "to this training set.",
             "Drop the validation set again together with the training set, or delete it."),
        Kind("catalog-old", ADVICE, "The table of models and prices is old",
             "Models and prices have probably changed since it was read.",
             "Update Tunedrop, and look at Azure's pages before you rely on a price."),
        Kind("over-budget", ERROR, "Dearer than the budget",
             "run.yaml says how much the training may cost.",
             "Raise the budget, train for fewer epochs, or choose a cheaper tier or model."),
        Kind("budget-unknown", ERROR, "A budget that cannot be checked",
             "Without a price for this base model and tier nobody can say that it is kept.",
             "Leave the budget out, or choose a base model and tier with a known price."),
    ),
}  # fmt: skip

TABLE: dict[str, Kind] = {kind.id: kind for group in _GROUPS.values() for kind in group}


def as_markdown() -> str:
    """The page docs/findings.md."""
    parts = [_HEAD.format(count=len(TABLE))]
    for title, kinds in _GROUPS.items():
        parts.append(
            f"\n## {title}\n\n| id | severity | what and why | what to do |\n|---|---|---|---|"
        )
        parts += [
            f"| `{kind.id}` | {kind.severity} | **{kind.title}.** {kind.why} | {kind.fix} |"
            for kind in kinds
        ]
    return "\n".join(parts) + "\n"


_HEAD = """# Findings

What the dataset check can say: {count} findings, each with an id that stays. An **error** rejects
the drop: the service would refuse the file, or the run would be worthless. A **warning** or an
**advice** is told and does not stop anything. Every finding comes with its line, the message within
the example (counted from 0), what is wrong there, and what to do.

This page is made by `python -m shared.dataset.findings > docs/findings.md`."""

if __name__ == "__main__":
    print(as_markdown(), end="")  # noqa: T201
