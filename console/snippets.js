// A request as code: for curl, and for OpenAI's clients in Python and JavaScript. No key is in it.

const KEY = "YOUR_KEY";

export const LANGUAGES = { curl, Python: python, JavaScript: javascript };

// A shell's text in single quotes; what is quoted may have some.
function curl(address, body) {
  const json = JSON.stringify(body, null, 2).replaceAll("'", "'\\''");
  return `curl '${address}/chat/completions' \\\n  -H 'Authorization: Bearer ${KEY}' \\\n  -H 'Content-Type: application/json' \\\n  -d '${json}'`;
}

// A text, a number or a list of such is written in Python as it is in JSON.
function python(address, body) {
  const given = Object.entries(body).map(([key, value]) => `    ${key}=${inset(value)},`).join("\n");
  return `from openai import OpenAI\n\nclient = OpenAI(base_url=${JSON.stringify(address)}, api_key="${KEY}")\nanswer = client.chat.completions.create(\n${given}\n)\nprint(answer.choices[0].message.content)`;
}

function inset(value) {
  return JSON.stringify(value, null, 4).replaceAll("\n", "\n    ");
}

function javascript(address, body) {
  return `import OpenAI from "openai";\n\nconst client = new OpenAI({ baseURL: ${JSON.stringify(address)}, apiKey: "${KEY}" });\nconst answer = await client.chat.completions.create(${JSON.stringify(body, null, 2)});\nconsole.log(answer.choices[0].message.content);`;
}
