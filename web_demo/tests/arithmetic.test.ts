import { readFileSync } from "node:fs";
import { LceCore, ModelError, Network, readModel } from "lce-core";
import { expect, test } from "vitest";
import { PACKAGED_MODEL } from "../packaged_model.js";
import { Classifier, probabilities, stretch } from "../src/classifier.js";
import { type Box, cutBox, cutFace } from "../src/geometry.js";
import { round } from "../src/image.js";
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
  boxes: Box[];
}

test("faces that are cut out of an image are Python's, byte for byte", () => {
  const { width, height, boxes } = json<Cuts>("cuts.json");
  const image = { width, height, channels: 3, pixels: bytes("cuts.image") };
  const faces = bytes("cuts.faces");
  for (const [index, box] of boxes.entries()) {
    const expected = faces.subarray(index * FACE, (index + 1) * FACE);
    expect([box, differences(cutFace(image, box), expected)]).toEqual([box, 0]);
  }
});

test("squares for the detector are Python's, byte for byte", () => {
  const { width, height, boxes } = json<Cuts>("cuts.json");
  const image = { width, height, channels: 3, pixels: bytes("cuts.image") };
  const size = 128 * 128 * 3;
  const squares = bytes("cuts.squares");
  for (const [index, box] of boxes.entries()) {
    const { pixels } = cutBox(image, box, 128, "black", false);
    const expected = squares.subarray(index * size, (index + 1) * size);
    expect([box, differences(pixels, expected)]).toEqual([box, 0]);
  }
});

test("half a pixel is rounded to the even one", () => {
  expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.49].map(round)).toEqual([0, 2, 2, 0, -2, 2]);
});

test("probabilities add up to 1 and keep the order", () => {
  const values = probabilities([-1, 0.5, 300], 0.5);
  expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1);
  expect(values[2]).toBe(1);
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
