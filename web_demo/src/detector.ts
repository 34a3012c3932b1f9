/** BlazeFace over images of any size: fer_larq/inference/detectors/blazeface*.py. */
import { ModelError, type LceCore, Network } from "lce-core";
import { around, contained, cutBox, frame, overlap, unframe, type Box } from "./geometry.js";
import type { Image } from "./image.js";

const INPUT_SIZE = 128;
const ANCHORS = 896;
const SAME_FACE_THRESHOLD = 0.3;
const CANDIDATE_THRESHOLD = 0.5;
const CONFIRMATION_THRESHOLD = 0.65;
const TRACKING_THRESHOLD = 0.5;
const CLOSE_LOOKS = [1.6, 2, 3];
const IMAGE_LEVELS = 4;
const VIDEO_LEVELS = 3;
const FRAMES_A_TILE = 2;
const TILES_A_FRAME = 4;

/** Finds faces and answers with boxes that frame them as FER2013 does, from the left. */
export class FaceDetector {
  private readonly network: Network;
  private readonly anchors = anchors();

  constructor(
    private readonly core: LceCore,
    model: Uint8Array,
  ) {
    this.network = new Network(core, model);
    const shapes = [...this.network.inputs, ...this.network.outputs].map(({ shape }) => shape.join());
    if (shapes.join(" ") !== "1,128,128,3 1,896,16 1,896,1") {
      throw new ModelError("the face detector's model is another one");
    }
  }

  detect(image: Image): Box[] {
    return framed(this.search(image, tiles(image, IMAGE_LEVELS), []));
  }

  /** The faces in a frame of a video, given those of the frame before. */
  detectNext(image: Image, previous: Box[], frameNumber: number): Box[] {
    let parts = tiles(image, VIDEO_LEVELS);
    if (frameNumber > 0) {
      const turns: number[] = [];
      if (previous.length === 0) {
        for (let i = 0; i < TILES_A_FRAME; ++i) turns.push(TILES_A_FRAME * frameNumber + i);
      } else if (frameNumber % FRAMES_A_TILE === 0) {
        turns.push(frameNumber / FRAMES_A_TILE);
      }
      const all = parts;
      parts = turns.map((turn) => all[turn % all.length]!);
    }
    const known = previous
      .map((face) => this.closerLook(image, unframe(face), CLOSE_LOOKS[1]!))
      .filter((face) => face !== null && face.confidence > TRACKING_THRESHOLD) as Box[];
    return framed(this.search(image, parts, known));
  }

  private search(image: Image, parts: Box[], known: Box[]): Box[] {
    const candidates = parts.flatMap((part) => this.look(image, part, CANDIDATE_THRESHOLD));
    let found = distinct(known);
    for (const candidate of byConfidence(candidates)) {
      if (found.some((box) => contained(candidate, box) > 0.5)) continue;
      const confirmed = this.confirm(image, candidate);
      if (confirmed !== null) found = distinct([...found, confirmed]);
    }
    return found;
  }

  /** Looks closely at a candidate; null if it is no face. */
  private confirm(image: Image, candidate: Box): Box | null {
    const looks = CLOSE_LOOKS.map((factor) => this.closerLook(image, candidate, factor));
    const boxes = looks.filter((look) => look !== null);
    const confidence = boxes.reduce((sum, box) => sum + box.confidence, 0) / looks.length;
    return confidence <= CONFIRMATION_THRESHOLD ? null : meanBox(boxes, confidence);
  }

  /** Finds the face of a box again in a square around it. */
  private closerLook(image: Image, box: Box, factor: number): Box | null {
    const where = around(box, factor);
    if (where.side < 8 || where.side > 4 * Math.max(image.width, image.height)) return null;
    const same = this.look(image, where, CANDIDATE_THRESHOLD / 2).filter(
      (again) => overlap(box, again) > SAME_FACE_THRESHOLD,
    );
    return byConfidence(same)[0] ?? null;
  }

  /** The faces in a square of an image that fill between 0.3 and 1 of its side. */
  private look(image: Image, where: Box, threshold: number): Box[] {
    const [input] = this.network.inputs;
    const [regressors, logits] = this.network.outputs;
    const tile = cutBox(image, where, INPUT_SIZE, "black", false).pixels;
    const values = this.core.float32(input!.pointer, tile.length);
    for (let i = 0; i < tile.length; ++i) values[i] = Math.fround(tile[i]! / 127.5) - 1;
    this.network.run();
    const scores = this.core.float32(logits!.pointer, ANCHORS);
    const numbers = this.core.float32(regressors!.pointer, 16 * ANCHORS);
    const scale = where.side / INPUT_SIZE;
    const boxes: Box[] = [];
    for (let i = 0; i < ANCHORS; ++i) {
      const confidence = 1 / (1 + Math.exp(-scores[i]!));
      if (!(confidence > threshold)) continue;
      // Of the sixteen numbers, the first four are the centre, relative to the anchor, and the size.
      const side = Math.abs(numbers[16 * i + 2]!) * scale;
      const [x, y] = this.anchors[i]!;
      boxes.push({
        left: (numbers[16 * i]! + x) * scale + where.left - side / 2,
        top: (numbers[16 * i + 1]! + y) * scale + where.top - side / 2,
        side,
        confidence,
      });
    }
    return blend(boxes);
  }
}

/** Centres of the network's anchors: two in every cell of 16x16, then six in every cell of 8x8. */
function anchors(): [number, number][] {
  const centres: [number, number][] = [];
  for (const [cells, inEachCell] of [[16, 2], [8, 6]] as const) {
    const size = INPUT_SIZE / cells;
    for (let y = 0; y < cells; ++y) {
      for (let x = 0; x < cells; ++x) {
        for (let n = 0; n < inEachCell; ++n) centres.push([(x + 0.5) * size, (y + 0.5) * size]);
      }
    }
  } // prettier-ignore
  return centres;
}

/** One box for each face: the mean of those that overlap, weighted by their confidence. */
function blend(boxes: Box[]): Box[] {
  let left = byConfidence(boxes);
  const blended: Box[] = [];
  while (left.length > 0) {
    const best = left[0]!;
    const same = left.filter((box) => box === best || overlap(best, box) > SAME_FACE_THRESHOLD);
    blended.push(meanBox(same, best.confidence));
    left = left.filter((box) => !same.includes(box));
  }
  return blended;
}

function meanBox(boxes: Box[], confidence: number): Box {
  const weight = boxes.reduce((sum, box) => sum + box.confidence, 0);
  const mean = (value: (box: Box) => number) =>
    boxes.reduce((sum, box) => sum + box.confidence * value(box), 0) / weight;
  return {
    left: mean((box) => box.left),
    top: mean((box) => box.top),
    side: mean((box) => box.side),
    confidence,
  };
}

function byConfidence(boxes: Box[]): Box[] {
  return boxes.toSorted((a, b) => b.confidence - a.confidence);
}

/** Without those boxes that lie by half in a more confident one. */
function distinct(boxes: Box[]): Box[] {
  const kept: Box[] = [];
  for (const box of byConfidence(boxes)) {
    if (!kept.some((other) => contained(box, other) > 0.5)) kept.push(box);
  }
  return kept;
}

function framed(boxes: Box[]): Box[] {
  return boxes.map(frame).sort((a, b) => a.left - b.left || a.top - b.top);
}

/** The squares to search, large ones first; neighbours share half of their side. */
function tiles(image: Image, levels: number): Box[] {
  const squares: Box[] = [];
  for (let level = 0; level < levels; ++level) {
    const side = Math.max(image.width, image.height) / 2 ** level;
    if (level > 0 && side < INPUT_SIZE) break;
    for (const top of positions(image.height, side)) {
      for (const left of positions(image.width, side)) squares.push({ left, top, side, confidence: 1 });
    }
  }
  return squares;
}

function positions(length: number, side: number): number[] {
  if (length <= side) return [(length - side) / 2];
  const steps = Math.ceil((length - side) / (side / 2));
  return Array.from({ length: steps + 1 }, (_, step) => ((length - side) * step) / steps);
}
