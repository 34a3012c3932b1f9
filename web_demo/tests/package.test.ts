/** lce-core as a package: what it holds, and its README's example in a project that installed it. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LceCore } from "lce-core";
import { expect, test } from "vitest";
import { PACKAGED_MODEL } from "../packaged_model.js";
import { Classifier } from "../src/classifier.js";
import { path } from "./expected.js";

test("the example of the README compiles and runs outside of this repository", async () => {
  const project = path("project");
  const installed = join(project, "node_modules", "lce-core");
  mkdirSync(installed, { recursive: true });
  execFileSync("npm", ["pack", "./lce-core", "--ignore-scripts", "--pack-destination", project]);
  const [archive] = readdirSync(project).filter((name) => name.endsWith(".tgz"));
  execFileSync("tar", ["-xzf", join(project, archive!), "-C", installed, "--strip-components=1"]);
  const files = readdirSync(installed, { recursive: true }).map(String).sort();
  expect(files).toEqual(
    [
      "README.md",
      "package.json",
      "dist",
      ...["core", "index", "network", "operators", "simd", "tflite"].flatMap((name) => [
        `dist/${name}.js`,
        `dist/${name}.d.ts`,
      ]),
      "wasm",
      "wasm/lce_core_portable.wasm",
      "wasm/lce_core_simd128.wasm",
    ].sort(),
  );

  const [, example] = /```ts\n(.*?)```/s.exec(readFileSync("lce-core/README.md", "utf8"))!;
  writeFileSync(join(project, "example.mts"), example!);
  copyFileSync(PACKAGED_MODEL, join(project, "model.tflite"));
  const tsc = [
    ...["--strict", "--noUncheckedIndexedAccess", "--target", "es2023", "--module", "nodenext"],
    ...["--types", "node", "--typeRoots", join(process.cwd(), "node_modules", "@types")],
  ];
  execFileSync("node", ["node_modules/typescript/bin/tsc", ...tsc, join(project, "example.mts")]);
  const printed = execFileSync("node", ["example.mjs"], { cwd: project, encoding: "utf8" });

  const core = await LceCore.instantiate(readFileSync("lce-core/wasm/lce_core_simd128.wasm"));
  const classifier = new Classifier(core, new Uint8Array(readFileSync(PACKAGED_MODEL)));
  const scores = classifier.scores(new Uint8Array(48 * 48).fill(128));
  expect(printed.trim()).toBe(`wasm_simd128 ${scores.join(" ")}`);
});
