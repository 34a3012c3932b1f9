/** The network that the page runs: the one that the desktop takes, too. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PACKAGE = new URL("../fer_larq/", import.meta.url);
const analyzer = readFileSync(new URL("inference/analyzer.py", PACKAGE), "utf8");
const name = /^PACKAGED_MODEL = .*"([\w.-]+\.tflite)"$/m.exec(analyzer)?.[1];
if (name === undefined) {
  throw new Error(
    "fer_larq/inference/analyzer.py names no PACKAGED_MODEL: mend web_demo/packaged_model.ts",
  );
}

/** Path of its file. */
export const PACKAGED_MODEL = fileURLToPath(new URL(`weights/${name}`, PACKAGE));
