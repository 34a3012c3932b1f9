/** Boxes in an image, and FER2013's way of framing a face: fer_larq/inference/geometry.py. */
import { type Image, resize, round, toGrey, warp } from "./image.js";

/** Height and width of a face of FER2013, in pixels. */
export const FACE_SIZE = 48;

/** A square in an image, in its pixels; it may reach beyond. */
export interface Box {
  /** Of the square before it is turned. */
  left: number;
  top: number;
  side: number;
  /** 0 to 1, of the detector. */
  confidence: number;
  /** Degrees, clockwise, by which the face is turned, and the square with it about its centre. */
  angle: number;
}

/** x and y of a box's centre. */
export function centre(box: Box): [number, number] {
  return [box.left + box.side / 2, box.top + box.side / 2];
}

/** A box of `factor` times the side about the same centre. */
export function around(box: Box, factor: number): Box {
  const margin = ((factor - 1) / 2) * box.side;
  return { ...box, left: box.left - margin, top: box.top - margin, side: factor * box.side };
}

/** A box moved in the directions that are right and down for the face in it, in pixels. */
export function moved(box: Box, right: number, down: number): Box {
  const radians = (box.angle * Math.PI) / 180;
  const [sine, cosine] = [Math.sin(radians), Math.cos(radians)];
  return {
    ...box,
    left: box.left + right * cosine - down * sine,
    top: box.top + right * sine + down * cosine,
  };
}

// Medians over FER2013's training faces, in sides of BlazeFace's box.
const FRAME_SIDE = 1.17;
const FRAME_RISE = 0.094;

/** The box that FER2013 would show of the face in a detector's box. */
export function frame(box: Box): Box {
  return moved(around(box, FRAME_SIDE), 0, -FRAME_RISE * box.side);
}

/** The detector's box that `framed` made a frame of. */
export function unframe(framed: Box): Box {
  const box = around(framed, 1 / FRAME_SIDE);
  return moved(box, 0, FRAME_RISE * box.side);
}

/** A square, whatever else is known of it. */
type Square = Pick<Box, "left" | "top" | "side">;

function intersection(a: Square, b: Square): number {
  const width = Math.min(a.left + a.side, b.left + b.side) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.side, b.top + b.side) - Math.max(a.top, b.top);
  return Math.max(width, 0) * Math.max(height, 0);
}

/** Intersection over union, 0 to 1. */
export function overlap(a: Square, b: Square): number {
  const shared = intersection(a, b);
  return shared / Math.max(a.side ** 2 + b.side ** 2 - shared, 1e-9);
}

/** Share of the smaller box that lies in the other, 0 to 1. */
export function contained(a: Square, b: Square): number {
  return intersection(a, b) / Math.max(Math.min(a.side, b.side) ** 2, 1e-9);
}

/**
 * Cuts a box, rounded to whole pixels, out of an image and scales it to `size`.
 *
 * @param border what stands for pixels beyond the image: black, or the nearest pixel
 * @param averaged whether, on shrinking, a pixel is the mean of all those that it stands for
 */
export function cutBox(
  image: Image,
  box: Box,
  size: number,
  border: "black" | "nearest",
  averaged: boolean,
): Image {
  const { width, height, channels } = image;
  const side = Math.max(round(box.side), 1);
  // At least one row and column of the image is needed to continue it.
  const left = Math.min(Math.max(round(box.left), 1 - side), width - 1);
  const top = Math.min(Math.max(round(box.top), 1 - side), height - 1);
  const part = {
    left: Math.max(left, 0),
    top: Math.max(top, 0),
    right: Math.min(left + side, width),
    bottom: Math.min(top + side, height),
  };
  const scale = size / side;
  const area = averaged && scale < 1;
  // Scaled before the border is added, a border costs the same whatever the image's size.
  const beyond = (pixels: number) => Math.min(round(Math.max(pixels, 0) * scale), size - 1);
  const before = { x: beyond(-left), y: beyond(-top) };
  const after = { x: beyond(left + side - width), y: beyond(top + side - height) };
  const inner = {
    width: Math.max(size - before.x - after.x, 1),
    height: Math.max(size - before.y - after.y, 1),
  };
  const inside = resize(image, part, inner.width, inner.height, area);
  if (inner.width === size && inner.height === size) return inside;
  const pixels = new Uint8Array(size * size * channels);
  for (let y = 0; y < size; ++y) {
    const row = y - before.y;
    const nearestRow = Math.min(Math.max(row, 0), inner.height - 1);
    for (let x = 0; x < size; ++x) {
      const column = x - before.x;
      const nearestColumn = Math.min(Math.max(column, 0), inner.width - 1);
      if (border === "black" && (row !== nearestRow || column !== nearestColumn)) continue;
      const from = (nearestRow * inner.width + nearestColumn) * channels;
      const to = (y * size + x) * channels;
      for (let k = 0; k < channels; ++k) pixels[to + k] = inside.pixels[from + k]!;
    }
  }
  return { width: size, height: size, channels, pixels };
}

/** `cutBox` of a box that is turned by its angle, so that what is in it stands upright. */
export function cutTurned(
  image: Image,
  box: Box,
  size: number,
  border: "black" | "nearest",
  averaged: boolean,
): Image {
  if (box.angle === 0) return cutBox(image, box, size, border, averaged);
  // The upright square around the turned one, then turned. Turning interpolates between pixels,
  // which blurs: averaged, it is done at twice the size.
  const fine = averaged ? 2 * size : size;
  const large = Math.ceil(Math.SQRT2 * (fine + 2));
  const upright = around({ ...box, angle: 0 }, large / fine);
  const square = cutBox(image, upright, large, border, averaged);
  const turned = warp(square, turn((large - 1) / 2, box.angle, (large - fine) / 2), fine, border);
  if (!averaged) return turned;
  return resize(turned, { left: 0, top: 0, right: fine, bottom: fine }, size, size, true);
}

/** The map that turns a square about its middle by degrees and cuts a margin off: two rows of three. */
function turn(middle: number, degrees: number, margin: number): number[] {
  const radians = (degrees * Math.PI) / 180;
  const [sine, cosine] = [Math.sin(radians), Math.cos(radians)];
  const x = (1 - cosine) * middle - sine * middle;
  const y = sine * middle + (1 - cosine) * middle;
  return [cosine, sine, x - margin, -sine, cosine, y - margin];
}

/** The face in a frame as FER2013 has it: grey, upright, 48x48. */
export function cutFace(image: Image, framed: Box): Uint8Array {
  return toGrey(cutTurned(image, framed, FACE_SIZE, "nearest", true));
}
