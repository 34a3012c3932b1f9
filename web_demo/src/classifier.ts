/** From a face to its scores: fer_larq/tflite/network.py and fer_larq/datasets/normalisation.py. */
import { type LceCore, ModelError, Network } from "lce-core";
import { FACE_SIZE } from "./geometry.js";

const PIXELS = FACE_SIZE * FACE_SIZE;
const TAIL = 24; // pixels from either end of the sorted ones

/** A model of `fer_larq.convert` that takes faces. */
export class Classifier {
  private readonly network: Network;
  /** Names of the scores, in their order. */
  readonly labels: string[];
  /** Makes probabilities of the scores; null where the model says nothing of it. */
  readonly temperature: number | null;
  private readonly normalisation: string;

  constructor(
    private readonly core: LceCore,
    model: Uint8Array,
  ) {
    this.network = new Network(core, model);
    const document = readDocument(this.network.file.metadata.get("fer_larq"));
    this.labels = document.labels;
    this.normalisation = document.normalisation ?? "none";
    this.temperature = document.temperature ?? null;
    const [input] = this.network.inputs;
    const [output] = this.network.outputs;
    if (input?.type !== "uint8" || input.shape.join() !== `1,${FACE_SIZE},${FACE_SIZE},1`) {
      throw new ModelError("the model takes no faces: convert it with `--crops five`");
    }
    const isFitting = typeof this.temperature === "number" && this.temperature > 0;
    if (this.temperature !== null && !(isFitting && this.temperature < Infinity)) {
      throw new ModelError(`its temperature is ${this.temperature}, no number above 0`);
    }
    if (output?.shape.join() !== `1,${this.labels.length}`) {
      throw new ModelError("the model has another number of scores than of labels");
    }
    if (!["none", "stretch"].includes(this.normalisation)) {
      throw new ModelError(`the model wants faces normalised by "${this.normalisation}"`);
    }
  }

  /** Scores of a face, uint8 [48][48]. */
  scores(face: Uint8Array): number[] {
    const prepared = this.normalisation === "stretch" ? stretch(face) : face;
    this.core.bytes(this.network.inputs[0]!.pointer, PIXELS).set(prepared);
    this.network.run();
    return [...this.core.float32(this.network.outputs[0]!.pointer, this.labels.length)];
  }
}

interface Document {
  labels: string[];
  normalisation?: string;
  temperature?: number | null;
}

function readDocument(content: Uint8Array | undefined): Document {
  try {
    const document = JSON.parse(new TextDecoder().decode(content)) as Document;
    if (document.labels.every((label) => typeof label === "string")) return document;
  } catch {
    // said below
  }
  throw new ModelError(
    "the model does not say what its scores mean: it is none of fer_larq.convert",
  );
}

/** Stretches a face's grey values so that its dark end becomes 0 and its bright end 255. */
export function stretch(face: Uint8Array): Uint8Array {
  const sorted = face.toSorted();
  const [low, high] = [sorted[TAIL - 1]!, sorted[sorted.length - TAIL]!];
  const span = high - low;
  if (span === 0) return face;
  return face.map((pixel) => {
    const value = Math.floor(((pixel - low) * 255 + (span >> 1)) / span);
    return Math.min(Math.max(value, 0), 255);
  });
}

/** Probabilities of scores: softmax(scores / temperature). */
export function probabilities(scores: number[], temperature: number): number[] {
  const largest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp((score - largest) / temperature));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
