// Loaded into Azurite before its own code: ends it when the process that started it is gone. The pipe
// on its stdin is then at its end (local/supervised.py says more). Without a pipe it does nothing.
const { fstatSync } = require("node:fs");

function stop() {
  process.kill(process.pid, "SIGTERM");
  setTimeout(() => process.exit(1), 8000).unref();
}

if (fstatSync(0).isFIFO()) {
  process.stdin.on("end", stop).on("error", stop).resume();
  process.stdin.unref(); // it does not keep alive what has stopped by itself
}
