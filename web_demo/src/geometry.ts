/** Boxes in an image, and FER2013's way of framing a face: fer_larq/inference/geometry.py. */
import { resize, round, toGrey, type Image } from "./image.js";

/** Height and width of a face of FER2013, in pixels. */
export const FACE_SIZE = 48;

/** A square in an image, in its pixels; it may reach beyond. */
export interface Box {
  left: number;
  top: number;
  side: number;
  /** 0 to 1, of the detector. */
  confidence: number;
}

/** A box of `factor` times the side about the same centre. */
export function around(box: Box, factor: number): Box {
  const margin = ((factor - 1) / 2) * box.side;
  return {
    left: box.left - margin,
    top: box.top - margin,
    side: factor * box.side,
    confidence: box.confidence,
  };
}

// Medians over FER2013's training faces, in sides of BlazeFace's box.
const FRAME_SIDE = 1.17;
const FRAME_RISE = 0.094;

/** The box that FER2013 would show of the face in a detector's box. */
export function frame(box: Box): Box {
  const wide = around(box, FRAME_SIDE);
  return { ...wide, top: wide.top - FRAME_RISE * box.side };
}

/** The detector's box that `framed` made a frame of. */
export function unframe(framed: Box): Box {
  const side = framed.side / FRAME_SIDE;
  return {
    left: framed.left + framed.side / 2 - side / 2,
    top: framed.top + framed.side / 2 - side / 2 + FRAME_RISE * side,
    side,
    confidence: framed.confidence,
  };
}

function intersection(a: Box, b: Box): number {
  const width = Math.min(a.left + a.side, b.left + b.side) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.side, b.top + b.side) - Math.max(a.top, b.top);
  return Math.max(width, 0) * Math.max(height, 0);
}

/** Intersection over union, 0 to 1. */
export function overlap(a: Box, b: Box): number {
  const shared = intersection(a, b);
  return shared / Math.max(a.side ** 2 + b.side ** 2 - shared, 1e-9);
}

/** Share of the smaller box that lies in the other, 0 to 1. */
export function contained(a: Box, b: Box): number {
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

/** The face in a frame as FER2013 has it: grey, 48x48. */
export function cutFace(image: Image, framed: Box): Uint8Array {
  return toGrey(cutBox(image, framed, FACE_SIZE, "nearest", true));
}
