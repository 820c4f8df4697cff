// The Vercel AI SDK in its defaults, which call the Responses API: node ai_sdk.cjs ADDRESS KEY
const { createOpenAI } = require("@ai-sdk/openai");
const { embed, generateText, stepCountIs, streamText, tool } = require("ai");
const { z } = require("zod");

async function main() {
  const [address, apiKey] = process.argv.slice(2);
  const openai = createOpenAI({ baseURL: `${address}/v1`, apiKey });
  const model = openai("captain");
  const found = {};
  found.text = (await generateText({ model, prompt: "Hi" })).text;
  const stream = streamText({ model, prompt: "Hi" });
  found.stream = "";
  for await (const part of stream.textStream) found.stream += part;
  found.tokens = (await stream.usage).totalTokens;
  const weather = tool({
    description: "The weather of a city",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `dry in ${city}`,
  });
  const agent = await generateText({
    model: openai("captain@2"),
    prompt: "Is it wet in Oslo?",
    tools: { weather },
    stopWhen: stepCountIs(3),
  });
  found.agent = { text: agent.text, steps: agent.steps.length };
  found.embedding = (await embed({ model: openai.embedding("base"), value: "Hi" })).embedding;

  const first = await generateText({ model, messages: [{ role: "user", content: "Hi" }] });
  const said = [{ role: "user", content: "Hi" }, ...first.response.messages];
  const messages = [...said, { role: "user", content: "And then?" }];
  try {
    found.second = (await generateText({ model, messages })).text;
  } catch (error) {
    found.second = { status: error.statusCode, message: error.message };
  }
  const providerOptions = { openai: { store: false } };
  found.stateless = (await generateText({ model, messages, providerOptions })).text;
  const broken = streamText({ model: openai("captain@1"), prompt: "Hi", onError: () => {} });
  found.broken = null;
  for await (const part of broken.fullStream) {
    if (part.type === "error") found.broken = part.error.message ?? part.error.error?.message;
  }
  console.log(JSON.stringify(found));
}

main();
