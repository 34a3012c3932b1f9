/** What tests/web/test_web_demo.py computed with Python, in the folder that EXPECTED names. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.env["EXPECTED"];
if (folder === undefined) throw new Error("EXPECTED is not set: run pytest -m web");

export function path(name: string): string {
  return join(folder!, name);
}
export function bytes(name: string): Uint8Array {
  return new Uint8Array(readFileSync(path(name)));
}
export function float32(name: string): Float32Array {
  return new Float32Array(bytes(name).buffer);
}
export function json<T>(name: string): T {
  return JSON.parse(readFileSync(path(name), "utf8")) as T;
}
/** Leaves something for Python to compare. */
export function write(name: string, value: unknown): void {
  writeFileSync(path(name), JSON.stringify(value));
}
