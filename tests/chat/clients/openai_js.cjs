// OpenAI's own client in JavaScript, in its defaults: node openai_js.cjs ADDRESS KEY
const { default: OpenAI, AzureOpenAI } = require("openai");

async function seen(client) {
  const response = await client.responses.create({ model: "captain", input: "Hi" });
  const kinds = [];
  let said = "";
  const stream = await client.responses.create({ model: "captain", input: "Hi", stream: true });
  for await (const event of stream) {
    kinds.push(event.type);
    if (event.type === "response.output_text.delta") said += event.delta;
  }
  const helped = await client.responses.stream({ model: "captain", input: "Hi" }).finalResponse();
  const models = [];
  for await (const model of client.models.list()) models.push([model.id, model.created]);
  return {
    response: response.output_text,
    request: response._request_id,
    kinds,
    said,
    helped: helped.output_text,
    models,
    model: await client.models.retrieve("captain"),
  };
}

async function refusal(doing) {
  try {
    await doing();
    return null;
  } catch (error) {
    return { kind: error.constructor.name, status: error.status ?? null, message: error.message };
  }
}

async function main() {
  const [address, apiKey] = process.argv.slice(2);
  const plain = new OpenAI({ baseURL: `${address}/v1`, apiKey, maxRetries: 0 });
  const azure = new AzureOpenAI({ endpoint: address, apiKey, apiVersion: "2025-04-01-preview" });
  const found = { plain: await seen(plain), azure: await seen(azure) };
  found.embedding = (await plain.embeddings.create({ model: "base", input: "Hi" })).data[0].embedding;
  found.completion = (await plain.completions.create({ model: "base", prompt: "Hi" })).choices[0].text;
  found.stored = await refusal(() => plain.responses.retrieve("resp_1"));
  found.files = await refusal(() => plain.files.list());
  found.broken = await refusal(async () => {
    const stream = await plain.responses.create({ model: "captain@1", input: "Hi", stream: true });
    for await (const _ of stream);
  });
  console.log(JSON.stringify(found));
}

main();
