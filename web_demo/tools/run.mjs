// node tools/run.mjs NAME [ARGUMENTS]: runs tools/NAME.ts, which Vite translates.
import { runnerImport } from "vite";

const [name, ...rest] = process.argv.slice(2);
const { module } = await runnerImport(`./tools/${name}.ts`);
process.exitCode = (await module.main(rest)) ?? 0;
