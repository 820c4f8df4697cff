"""How the console reads a stream of events."""

from tests.support.console import Tab

CUT = """async ([text, size]) => {
  const { events } = await import("/api/console/stream.js");
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  const body = new ReadableStream({ pull(into) {
    if (at >= bytes.length) into.close();
    else into.enqueue(bytes.slice(at, at += size));
  } });
  const found = [];
  for await (const data of events(body)) found.push(data);
  return found;
}"""


def test_a_stream_is_read_however_its_bytes_are_cut(tab: Tab) -> None:
    tab.open("playground")
    tab.see("Playground")
    text = ': wait\n\ndata: {"a": "ü🚀"}\r\n\r\ndata:one\ndata: two\n\nevent: x\ndata: [DONE]\n\n'
    for size in (1, 2, 3, 1000):
        found = tab.page.evaluate(CUT, [text, size])
        assert found == ['{"a": "ü🚀"}', "one\ntwo", "[DONE]"]
