/** BlazeFace over images of any size: fer_larq/inference/detectors/blazeface*.py. */
import { type LceCore, ModelError, Network } from "lce-core";
import {
  around,
  type Box,
  centre,
  contained,
  cutTurned,
  frame,
  moved,
  overlap,
  unframe,
} from "./geometry.js";
import type { Image } from "./image.js";

const INPUT_SIZE = 128;
const ANCHORS = 896;
const SAME_FACE_THRESHOLD = 0.3;
const IMAGE_LEVELS = 4;
const CROWD_SHARE = 0.4;
const VIDEO_LEVELS = 3;
const FRAMES_A_TILE = 2;
const TILES_A_FRAME = 4;
const CANDIDATE_THRESHOLD = 0.5;
const CONFIRMATION_THRESHOLD = 0.7;
const FIRST_LOOK = 2;
const CLOSE_LOOKS = [1.6, 2, 3];
const UPRIGHT_CONFIDENCE = 0.8;
const UPRIGHT_DEGREES = 30;
const TURNING_THRESHOLD = 8;
const TRACKING_THRESHOLD = 0.5;

/** Finds faces and answers with boxes that frame them as FER2013 does, from the left. */
export class FaceDetector {
  private readonly network: Network;
  private readonly anchors = anchors();

  constructor(
    private readonly core: LceCore,
    model: Uint8Array,
  ) {
    this.network = new Network(core, model);
    const shapes = [...this.network.inputs, ...this.network.outputs].map(({ shape }) =>
      shape.join(),
    );
    if (shapes.join(" ") !== "1,128,128,3 1,896,16 1,896,1") {
      throw new ModelError("the face detector's model is another one");
    }
  }

  detect(image: Image): Box[] {
    let found = this.search(image, tiles(image, IMAGE_LEVELS), []);
    const smallest = Math.min(...found.map(({ side }) => side));
    if (found.length === 0 || smallest < CROWD_SHARE * finestSide(image, IMAGE_LEVELS)) {
      found = this.search(image, tiles(image, IMAGE_LEVELS + 1, IMAGE_LEVELS), found);
    }
    if (found.length === 0) {
      // Upright it finds faces that are turned by 60 degrees and more.
      const upright = tiles(image, IMAGE_LEVELS);
      const turned = [180, 90, -90].flatMap((angle) => upright.map((tile) => ({ ...tile, angle })));
      found = this.search(image, turned, []);
    }
    return framed(found);
  }

  /** The faces in a frame of a video, given those of the frames before. */
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
    const upright = this.uprightLook(image, candidate);
    if (upright === null) return null;
    const looks = CLOSE_LOOKS.map((factor) => this.closerLook(image, upright, factor));
    const boxes = looks.filter((look) => look !== null);
    const confidence = boxes.reduce((sum, box) => sum + box.confidence, 0) / looks.length;
    return confidence > CONFIRMATION_THRESHOLD ? meanBox(boxes, confidence) : null;
  }

  /**
   * The closer look, turned as the face is, that shows it best.
   *
   * The network finds faces on their side or head, too, but takes their chin for their brow: so it
   * is asked how sure it is when the face is turned.
   */
  private uprightLook(image: Image, candidate: Box): Box | null {
    let best: Box | null = null;
    for (const turn of [0, 180, 90, -90]) {
      const turned = { ...candidate, angle: signed(candidate.angle + turn) };
      const look = this.closerLook(image, turned, FIRST_LOOK);
      if (look === null || (best !== null && look.confidence <= best.confidence)) continue;
      best = look;
      const tilt = Math.abs(signed(look.angle - turned.angle));
      if (look.confidence > UPRIGHT_CONFIDENCE && tilt < UPRIGHT_DEGREES) break;
    }
    return best;
  }

  /** Finds the face of a box again in a square around it that is turned as the box is. */
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
    const tile = cutTurned(image, where, INPUT_SIZE, "black", false).pixels;
    const values = this.core.float32(input!.pointer, tile.length);
    for (let i = 0; i < tile.length; ++i) values[i] = Math.fround(tile[i]! / 127.5) - 1;
    this.network.run();
    const scores = this.core.float32(logits!.pointer, ANCHORS);
    const numbers = this.core.float32(regressors!.pointer, 16 * ANCHORS);
    const answers: Answer[] = [];
    for (let i = 0; i < ANCHORS; ++i) {
      const confidence = 1 / (1 + Math.exp(-scores[i]!));
      if (!(confidence > threshold)) continue;
      // Of the sixteen numbers, the first four are the centre and the size, the next four the eyes,
      // all relative to the anchor but for the size.
      const [x, y] = this.anchors[i]!;
      const at = (index: number) => numbers[16 * i + index]!;
      answers.push({
        x: at(0) + x,
        y: at(1) + y,
        side: Math.abs(at(2)),
        rightEye: [at(4) + x, at(5) + y],
        leftEye: [at(6) + x, at(7) + y],
        confidence,
      });
    }
    return blend(answers).map((answer) => located(answer, where));
  }
}

/** What the network says of a face, in pixels of its input. */
interface Answer {
  x: number;
  y: number;
  side: number;
  rightEye: [number, number];
  leftEye: [number, number];
  confidence: number;
}

/** The box, in an image's pixels, of a face that was found in the tile `where`. */
function located(answer: Answer, where: Box): Box {
  const scale = where.side / INPUT_SIZE;
  const side = answer.side * scale;
  const [across, down] = [0, 1].map((axis) => answer.leftEye[axis]! - answer.rightEye[axis]!);
  const angle = where.angle + (Math.atan2(down!, across!) * 180) / Math.PI;
  const [x, y] = centre(where);
  const middle = { ...where, left: x - side / 2, top: y - side / 2 };
  const [right, below] = [answer.x, answer.y].map((value) => (value - INPUT_SIZE / 2) * scale);
  const { left, top } = moved(middle, right!, below!);
  return { left, top, side, confidence: answer.confidence, angle: signed(angle) };
}

/** The same angle between -180 and 180 degrees. */
function signed(degrees: number): number {
  return ((((degrees + 180) % 360) + 360) % 360) - 180;
}

/** Centres of the network's anchors: two in every cell of 16x16, then six in every cell of 8x8. */
function anchors(): [number, number][] {
  const grids = [
    { cells: 16, inEachCell: 2 },
    { cells: 8, inEachCell: 6 },
  ];
  return grids.flatMap(({ cells, inEachCell }) => {
    const size = INPUT_SIZE / cells;
    return Array.from({ length: cells * cells * inEachCell }, (_, index): [number, number] => {
      const cell = Math.floor(index / inEachCell);
      return [((cell % cells) + 0.5) * size, (Math.floor(cell / cells) + 0.5) * size];
    });
  });
}

/** One answer for each face: the mean of those that overlap, weighted by their confidence. */
function blend(answers: Answer[]): Answer[] {
  const square = ({ x, y, side }: Answer) => ({ left: x - side / 2, top: y - side / 2, side });
  let left = byConfidence(answers);
  const blended: Answer[] = [];
  while (left.length > 0) {
    const best = left[0]!;
    const same = left.filter(
      (other) => other === best || overlap(square(best), square(other)) > SAME_FACE_THRESHOLD,
    );
    const mean = weightedMean(same);
    const point = (name: "rightEye" | "leftEye"): [number, number] => [
      mean((answer) => answer[name][0]),
      mean((answer) => answer[name][1]),
    ];
    blended.push({
      x: mean(({ x }) => x),
      y: mean(({ y }) => y),
      side: mean(({ side }) => side),
      rightEye: point("rightEye"),
      leftEye: point("leftEye"),
      confidence: best.confidence,
    });
    left = left.filter((answer) => !same.includes(answer));
  }
  return blended;
}

/** The mean of some boxes of one face, weighted by their confidence. */
function meanBox(boxes: Box[], confidence: number): Box {
  const mean = weightedMean(boxes);
  const radians = (box: Box) => (box.angle * Math.PI) / 180;
  const angle = Math.atan2(
    mean((box) => Math.sin(radians(box))),
    mean((box) => Math.cos(radians(box))),
  );
  return {
    left: mean((box) => box.left),
    top: mean((box) => box.top),
    side: mean((box) => box.side),
    confidence,
    angle: (angle * 180) / Math.PI,
  };
}

/** Means of numbers of some things, weighted by their confidence. */
function weightedMean<T extends { confidence: number }>(things: T[]) {
  const weight = things.reduce((sum, { confidence }) => sum + confidence, 0);
  return (value: (thing: T) => number) =>
    things.reduce((sum, thing) => sum + thing.confidence * value(thing), 0) / weight;
}

function byConfidence<T extends { confidence: number }>(things: T[]): T[] {
  return things.toSorted((a, b) => b.confidence - a.confidence);
}

/** Without those boxes that lie by half in a more confident one. */
function distinct(boxes: Box[]): Box[] {
  const kept: Box[] = [];
  for (const box of byConfidence(boxes)) {
    if (!kept.some((other) => contained(box, other) > 0.5)) kept.push(box);
  }
  return kept;
}

/** Frames of faces, from the left; turned only if a face is turned by more than the network knows. */
function framed(boxes: Box[]): Box[] {
  return boxes
    .map((box) => (Math.abs(box.angle) > TURNING_THRESHOLD ? box : { ...box, angle: 0 }))
    .map(frame)
    .sort((a, b) => a.left - b.left || a.top - b.top);
}

/** The squares to search, large ones first; neighbours share half of their side. */
function tiles(image: Image, levels: number, firstLevel = 0): Box[] {
  const squares: Box[] = [];
  for (let level = firstLevel; level < levels; ++level) {
    const side = sideOfLevel(image, level);
    if (level > 0 && side < INPUT_SIZE) break;
    for (const top of positions(image.height, side)) {
      for (const left of positions(image.width, side)) {
        squares.push({ left, top, side, confidence: 1, angle: 0 });
      }
    }
  }
  return squares;
}

/** Side of the squares that are searched at a level; at most twice the image's shorter side. */
function sideOfLevel({ width, height }: Image, level: number): number {
  let side = Math.max(width, height);
  while (side > 2 * Math.min(width, height) && side > INPUT_SIZE) side /= 2;
  return side / 2 ** level;
}

/** Side of the smallest squares of the first levels. */
function finestSide(image: Image, levels: number): number {
  const sides = Array.from({ length: levels }, (_, level) => sideOfLevel(image, level));
  const searched = sides.filter((side) => side >= INPUT_SIZE);
  return Math.min(...(searched.length > 0 ? searched : [sides[0]!]));
}

function positions(length: number, side: number): number[] {
  if (length <= side) return [(length - side) / 2];
  const steps = Math.ceil((length - side) / (side / 2));
  return Array.from({ length: steps + 1 }, (_, step) => ((length - side) * step) / steps);
}
