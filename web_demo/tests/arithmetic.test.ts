import { readFileSync } from "node:fs";
import { LceCore, ModelError, Network, readModel } from "lce-core";
import { expect, test } from "vitest";
import { PACKAGED_MODEL } from "../packaged_model.js";
import { Classifier, probabilities, stretch } from "../src/classifier.js";
import { type Box, cutFace, cutTurned } from "../src/geometry.js";
import { History } from "../src/history.js";
import { round } from "../src/image.js";
import { FaceTracker } from "../src/tracker.js";
import { bytes, float32, json } from "./expected.js";

const MODEL = new Uint8Array(readFileSync(PACKAGED_MODEL));
const FACE = 48 * 48;

async function core(kind: string): Promise<LceCore> {
  return LceCore.instantiate(readFileSync(`lce-core/wasm/lce_core_${kind}.wasm`));
}

/** How many values differ. */
function differences(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).filter((value, index) => !Object.is(value, b[index])).length;
}

test.each([
  ["simd128", "wasm_simd128"],
  ["portable", "portable"],
])("scores are Python's, bit for bit: %s", async (kind, kernel) => {
  const classifier = new Classifier(await core(kind), MODEL);
  expect((await core(kind)).kernelName).toBe(kernel);
  const faces = bytes("faces.bin");
  const scores: number[] = [];
  for (let at = 0; at < faces.length; at += FACE) {
    scores.push(...classifier.scores(faces.subarray(at, at + FACE)));
  }
  expect(scores.length).toBeGreaterThan(100);
  expect(differences(scores, float32("scores.bin"))).toBe(0);
});

test("stretched faces are Python's", () => {
  const [faces, stretched] = [bytes("faces.bin"), bytes("stretched.bin")];
  for (let at = 0; at < faces.length; at += FACE) {
    const expected = stretched.subarray(at, at + FACE);
    expect(differences(stretch(faces.subarray(at, at + FACE)), expected)).toBe(0);
  }
});

interface Cuts {
  width: number;
  height: number;
  boxes: Omit<Box, "confidence">[];
}

test("faces that are cut out of an image are Python's, byte for byte", () => {
  const { width, height, boxes } = json<Cuts>("cuts.json");
  const image = { width, height, channels: 3, pixels: bytes("cuts.image") };
  const faces = bytes("cuts.faces");
  for (const [index, box] of boxes.entries()) {
    const expected = faces.subarray(index * FACE, (index + 1) * FACE);
    const face = cutFace(image, { ...box, confidence: 1 });
    expect([box, differences(face, expected)]).toEqual([box, 0]);
  }
});

test("squares for the detector are Python's, byte for byte", () => {
  const { width, height, boxes } = json<Cuts>("cuts.json");
  const image = { width, height, channels: 3, pixels: bytes("cuts.image") };
  const size = 128 * 128 * 3;
  const squares = bytes("cuts.squares");
  for (const [index, box] of boxes.entries()) {
    const { pixels } = cutTurned(image, { ...box, confidence: 1 }, 128, "black", false);
    const expected = squares.subarray(index * size, (index + 1) * size);
    expect([box, differences(pixels, expected)]).toEqual([box, 0]);
  }
});

test("half a pixel is rounded to the even one", () => {
  expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.49].map(round)).toEqual([0, 2, 2, 0, -2, 2]);
});

test("probabilities are Python's, with the model's temperature", async () => {
  const { temperature } = new Classifier(await core("simd128"), bytes("calibrated.tflite"));
  expect(temperature).not.toBeNull();
  const scores = float32("scores.bin");
  for (const [index, expected] of json<number[][]>("probabilities.json").entries()) {
    const row = Array.from(scores.subarray(7 * index, 7 * index + 7));
    const errors = probabilities(row, temperature!).map((p, i) => Math.abs(p - expected[i]!));
    expect(Math.max(...errors)).toBeLessThan(1e-12);
  }
});

test.each(["0", "-1", "true", "1e999", '"1"'])("a temperature of %s is refused", async (value) => {
  const calibrated = bytes("calibrated.tflite");
  const text = Buffer.from(calibrated.buffer);
  const at = text.indexOf('"temperature": ') + 15;
  const end = text.indexOf(",", at);
  calibrated.set(Buffer.from(value.padEnd(end - at)), at);
  expect(value.length).toBeLessThanOrEqual(end - at);
  const module = await core("portable");
  expect(() => new Classifier(module, calibrated)).toThrow(/its temperature is/);
});

test("faces keep the numbers that Python gives them", () => {
  const tracker = new FaceTracker();
  const frames = json<{ boxes: Box[]; numbers: number[] }[]>("tracks.json");
  const numbers = frames.map(({ boxes }) =>
    tracker.track(boxes.map((box) => ({ ...box, confidence: 1, angle: 0 }))),
  );
  expect(numbers).toEqual(frames.map((frame) => frame.numbers));
  expect(Math.max(...numbers.flat())).toBeGreaterThan(4); // one came back too late for its number
});

test("a history has the last thirty seconds, ten samples of each", () => {
  const history = new History();
  for (let frame = 0; frame < 60 * 50; ++frame) history.add(frame / 60, [1]);
  const seconds = history.samples.map(({ second }) => second);
  expect(seconds.at(-1)! - seconds[0]!).toBeGreaterThan(29.5);
  expect(seconds.at(-1)! - seconds[0]!).toBeLessThanOrEqual(30);
  expect(seconds.length).toBeLessThanOrEqual(301);
  expect(seconds.length).toBeGreaterThan(200);
  expect(history.samples.filter(({ isReturn }) => isReturn)).toEqual([]);
  history.interrupt();
  history.add(51, [1]);
  expect(history.samples.at(-1)!.isReturn).toBe(true);
  expect([history.isOver(60), history.isOver(82)]).toEqual([false, true]);
});

test("a damaged model is a ModelError, wherever it is damaged", async () => {
  const module = await core("portable");
  let refused = 0;
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  for (let round = 0; round < 300; ++round) {
    const damaged = MODEL.slice();
    // Tables lie at the beginning and at the end; the middle is weights.
    for (let i = 0; i < 4; ++i) damaged[random(2) ? random(4000) : 8 + random(40)] = random(256);
    try {
      readModel(damaged);
    } catch (error) {
      expect(error).toBeInstanceOf(ModelError);
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(10);
  for (const length of [0, 4, 8, 100, 5000, MODEL.length >> 1]) {
    expect(() => new Network(module, MODEL.slice(0, length))).toThrow(ModelError);
  }
});
