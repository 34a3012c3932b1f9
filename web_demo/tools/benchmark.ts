/**
 * Speed and size of the page in headless Chromium, beside the native library.
 *
 *     make web-benchmark          rounds are interleaved: only ratios within one run mean anything
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { createInterface } from "node:readline";
import { gzipSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import { PACKAGED_MODEL } from "../packaged_model.js";
import { launch, newPage, ready, serve } from "./browser.js";

const RUNS = 10; // a round's figure is the fastest of them: others share the machine

/** Prints for each line that it reads the milliseconds of the fastest of some runs. */
const NATIVE = `
import sys, time
import numpy as np
from fer_larq.inference.analyzer import PACKAGED_MODEL
from fer_larq.inference.classifier import FaceClassifier
from fer_larq.tflite.delegate import kernels
kernel = "avx2" if "avx2" in kernels() else kernels()[0]
classifier = FaceClassifier(PACKAGED_MODEL, kernel=kernel)
face = np.random.default_rng(0).integers(0, 256, (1, 48, 48), dtype=np.uint8)
for _ in range(30):
    classifier.scores(face)
print(kernel, flush=True)
for line in sys.stdin:
    seconds = []
    for _ in range(${RUNS}):
        start = time.perf_counter()
        classifier.scores(face)
        seconds.append(time.perf_counter() - start)
    print(1000 * min(seconds), flush=True)
`;

interface Native {
  kernel: string;
  milliseconds(): Promise<number>;
  stop(): void;
}

async function startNative(python: string): Promise<Native> {
  const child = spawn(python, ["-c", NATIVE], { stdio: ["pipe", "pipe", "ignore"] });
  child.on("error", () => undefined); // said below
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${python} cannot import fer_larq: name another, PYTHON=...`);
    return value;
  };
  return {
    kernel: await next(),
    milliseconds: async () => {
      child.stdin.write("\n");
      return Number(await next());
    },
    stop: () => child.stdin.end(),
  };
}

/** What the page needs until it is ready, in milliseconds; with an empty cache. */
async function timeToReady(browser: Browser, origin: string): Promise<number> {
  const page = await newPage(browser, { serviceWorkers: "block" });
  await page.goto(origin);
  await ready(page);
  const time = await page.evaluate(() => performance.getEntriesByName("ready")[0]!.startTime);
  await page.context().close();
  return time;
}

const FILES = new Map([
  ["expressions", PACKAGED_MODEL],
  ["faces", "node_modules/@mediapipe/face_detection/face_detection_short_range.tflite"],
]);

/** A page of the same origin with lce-core and both networks; gives the fastest of some runs. */
const BENCHMARK = `
const bytes = async (name) => (await fetch("/benchmark/" + name)).arrayBuffer();
const { hasSimd, LceCore, Network } = await import("/benchmark/lce-core/dist/index.js");
const kind = hasSimd() ? "simd128" : "portable";
const core = await LceCore.instantiate(await bytes("lce-core/wasm/lce_core_" + kind + ".wasm"));
const networks = new Map();
for (const name of ["expressions", "faces"]) {
  networks.set(name, new Network(core, new Uint8Array(await bytes(name))));
}
globalThis.benchmark = (name, runs) => {
  let best = Infinity;
  for (let run = 0; run < runs; ++run) {
    const start = performance.now();
    networks.get(name).run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
};
`;

/** Opens a page that runs lce-core as the page does, on what `FILES` names. */
async function openCore(browser: Browser, origin: string): Promise<Page> {
  const page = await newPage(browser, { serviceWorkers: "block" });
  await page.route("**/benchmark/**", (route) => {
    const name = new URL(route.request().url()).pathname.replace("/benchmark/", "");
    return route.fulfill({ path: FILES.get(name) ?? name });
  });
  await page.goto(origin);
  await ready(page);
  await page.evaluate(`(async () => { ${BENCHMARK} })()`);
  return page;
}

function middle(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const [median, least, most] = [sorted[sorted.length >> 1]!, sorted[0]!, sorted.at(-1)!];
  const digits = median < 100 ? 2 : 0;
  return `${median.toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}

/** Bytes of each part of the page, as they are and with gzip. */
export function sizes(): { name: string; bytes: number; gzip: number }[] {
  const files = readdirSync("dist", { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`);
  return files.sort().map((name) => {
    const content = readFileSync(name);
    return { name, bytes: content.length, gzip: gzipSync(content, { level: 9 }).length };
  });
}

export async function main([rounds = "10"]: string[]): Promise<void> {
  console.log(`| file | bytes | with gzip |\n|---|---|---|`);
  const parts = sizes();
  for (const { name, bytes, gzip } of parts) console.log(`| ${name} | ${bytes} | ${gzip} |`);
  const sum = (key: "bytes" | "gzip") => parts.reduce((total, part) => total + part[key], 0);
  console.log(`| all | ${sum("bytes")} | ${sum("gzip")} |\n`);

  const native = await startNative(process.env["PYTHON"] ?? "../.venv/bin/python");
  const served = await serve();
  const browser = await launch();
  const page = await openCore(browser, served.origin);
  const measure = (network: "expressions" | "faces", runs: number) =>
    page.evaluate<number>(`benchmark("${network}", ${runs})`);
  await measure("expressions", 100); // until the browser has compiled it well
  await measure("faces", 100);
  const inPage: number[] = [];
  const looks: number[] = [];
  const outside: number[] = [];
  const starts: number[] = [];
  for (let round = 0; round < Number(rounds); ++round) {
    inPage.push(await measure("expressions", RUNS));
    outside.push(await native.milliseconds());
    looks.push(await measure("faces", RUNS));
    starts.push(await timeToReady(browser, served.origin));
  }
  const ratios = inPage.map((milliseconds, round) => milliseconds / outside[round]!);
  console.log(`${cpus()[0]!.model}, Chromium ${browser.version()}, ${rounds} interleaved rounds`);
  console.log(`medians (least to most), one thread\n`);
  console.log(`five crops in the page, ms:        ${middle(inPage)}`);
  console.log(`five crops, native ${native.kernel}, ms:     ${middle(outside)}`);
  console.log(`times the native time:             ${middle(ratios)}`);
  console.log(`one look of the face detector, ms: ${middle(looks)}`);
  console.log(`page ready after, ms:              ${middle(starts)}`);
  native.stop();
  await browser.close();
  await served.stop();
}
