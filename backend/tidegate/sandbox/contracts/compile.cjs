// Compiles every contract in this folder with the pinned solc and prints {name: {abi, bytecode}} as JSON.
// Run from the folder `npm` beside this one, where the compiler is installed: node ../contracts/compile.cjs
const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");

const solc = createRequire(path.join(process.cwd(), "package.json"))("solc");
const sources = {};
for (const file of fs.readdirSync(__dirname).filter((name) => name.endsWith(".sol")).sort()) {
  sources[file] = { content: fs.readFileSync(path.join(__dirname, file), "utf8") };
}
const settings = {
  optimizer: { enabled: true, runs: 1_000_000 },
  evmVersion: "prague",
  // No hash of comments and paths in the bytecode: it changes only when the code does.
  metadata: { appendCBOR: false, bytecodeHash: "none" },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
};
const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings })));
for (const problem of output.errors ?? []) {
  process.stderr.write(problem.formattedMessage);
  process.exitCode = 1;
}
const compiled = {};
for (const file of Object.keys(output.contracts ?? {}).sort()) {
  for (const [name, contract] of Object.entries(output.contracts[file])) {
    compiled[name] = { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` };
  }
}
process.stdout.write(`${JSON.stringify(compiled, null, 1)}\n`);
